import type { CapacityRate, DeleteLimit } from '../model/options.ts';

/** How a rate may be written, for error messages. */
export const RATE_FORMS = "units a second such as 500, a share such as 30%, or 'unlimited'";

/** `500`, `30%`, `unlimited`; undefined if it is no rate. */
export function parseRate(raw: unknown): CapacityRate | undefined {
  const text = typeof raw === 'number' ? String(raw) : raw;
  if (typeof text !== 'string') return undefined;
  if (text.trim() === 'unlimited') return { kind: 'unlimited' };
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match === null || !(value > 0)) return undefined;
  if (match[2] === '') return { kind: 'units', units: value };
  return value > 100 ? undefined : { kind: 'share', share: value / 100 };
}

export const LIMIT_FORMS = 'a share of the rows such as 10%, or a number of rows';

/** `10%`, `500`; undefined if it is no limit. */
export function parseLimit(raw: unknown): DeleteLimit | undefined {
  const text = typeof raw === 'number' ? String(raw) : raw;
  const match = typeof text === 'string' ? /^(?:(\d{1,3}(?:\.\d{1,6})?)\s*%|(\d{1,15}))$/.exec(text.trim()) : null;
  if (match === null) return undefined;
  if (match[2] !== undefined) return { rows: Number(match[2]) };
  const share = Number(match[1]) / 100;
  return share > 1 ? undefined : { share };
}
