/** What a change of the schema makes of the files that are there. */
import { TailraceError } from '../../model/errors.ts';
import { systemType, type TableSchema } from '../../model/schema.ts';
import type { DataFile, TableHandle } from '../../model/table.ts';
import { rewrites } from '../../schema/drift.ts';

/**
 * Names of the columns that files written by `before` would show wrongly: such files must be written anew. Readers of
 * Iceberg find columns by their ids, and give NULL for those that a file does not have; readers of Parquet folders take
 * the columns from any one file.
 */
export function outdatedColumns(before: TableSchema, after: TableSchema, format: TableHandle['format']): string[] {
  if (format === 'iceberg') return [...new Set(rewrites(before, after).map(({ column }) => column))];
  const there = new Set(columnTexts(before).map(([, text]) => text));
  return columnTexts(after).flatMap(([name, text]) => (there.has(text) ? [] : [name]));
}

function columnTexts({ columns, derived, system }: TableSchema): [name: string, text: string][] {
  return [
    ...columns.map(({ id, name, type }): [string, string] => [name, JSON.stringify([id, name, type], withoutTags)]),
    ...derived.map(({ id, name }): [string, string] => [name, JSON.stringify([id, name, 'timestamptz'])]),
    ...system.map(({ id, name }): [string, string] => [name, JSON.stringify([id, name, systemType(name)])]),
  ];
}

/** A type tag is no part of a file: what was only NULL may come to hold texts in place. */
function withoutTags(key: string, value: unknown): unknown {
  return key === 'tag' ? undefined : value;
}

/** Refuses to write files anew that are larger than the limit. */
export function checkRewrite(
  columns: readonly string[],
  files: readonly DataFile[],
  { format, location }: TableHandle,
  limitBytes: number,
): void {
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes <= limitBytes) return;
  const hint =
    format === 'parquet'
      ? 'Raise --rewrite-limit. Readers of Parquet folders take the columns from any one file, so a new column is written into all of them; an Iceberg table needs no such thing.'
      : 'Raise --rewrite-limit, or keep the columns as they are with --on-drift rescue.';
  throw new TailraceError(
    'SCHEMA_DRIFT',
    'Columns must be written anew, and the table is larger than --rewrite-limit.',
    {
      place: location,
      expected: `at most ${limitBytes} bytes`,
      found: `${bytes} bytes, for ${columns.join(', ')}`,
      hint,
    },
  );
}
