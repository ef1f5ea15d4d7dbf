/** How a moment may be written, for error messages. */
export const TIME_FORMS = 'a time with its zone, such as 2026-03-01T12:00:00Z';

const FORM = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;

/** Milliseconds since 1970 of `2026-03-01T12:00:00Z` or `2026-03-01T13:00+01:00`; undefined if the text is no such time. */
export function parseMoment(text: string): number | undefined {
  const day = FORM.exec(text.trim())?.[1];
  const ms = Date.parse(text.trim());
  if (day === undefined || Number.isNaN(ms)) return undefined;
  // 30 February would be taken for 2 March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? ms : undefined;
}
