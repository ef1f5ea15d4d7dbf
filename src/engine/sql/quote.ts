import { TailraceError } from '../../model/errors.ts';

/**
 * The only place where names and values become SQL text. A statement reaches the engine as a
 * C string, so a NUL character would end it: in values it is spliced in by chr(0), in names it is refused.
 */

/** A column, table or field name as an SQL identifier. */
export function ident(name: string): string {
  if (name.includes('\0'))
    throw new TailraceError('INTERNAL', `A column name holds a NUL character: ${JSON.stringify(name)}.`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL expression of type VARCHAR. */
export function str(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(' || chr(0) || ')})`;
}

/** Paths (or other texts) as an SQL list. */
export function list(texts: readonly string[]): string {
  return `[${texts.map(str).join(', ')}]`;
}
