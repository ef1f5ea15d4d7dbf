import { TailraceError } from '../../model/errors.ts';
import { type ColumnType, type PhysicalType, physicalType, systemType, type TableSchema } from '../../model/schema.ts';
import type { LeafStats } from '../../model/table.ts';
import { ident, list } from '../sql/quote.ts';
import type { Duck } from './instance.ts';
import type { Value } from './values.ts';

/** One file that COPY … (FORMAT parquet, RETURN_STATS) wrote. */
export interface WrittenFile {
  /** As COPY was told, with the folders and names that it added. */
  readonly path: string;
  readonly rows: number;
  readonly sizeBytes: number;
  /** With PARTITION_BY only: text by name of the partition expression. */
  readonly partitionKeys?: Readonly<Record<string, string | null>>;
  /** By field id of the leaf. */
  readonly stats: Readonly<Record<number, LeafStats>>;
}

interface Leaf {
  readonly id: number;
  readonly type: PhysicalType;
}

/** The rows that RETURN_STATS gave, as files with statistics by field id. Bounds are left out where in doubt. */
export function writtenFiles(rows: readonly Record<string, Value>[], schema: TableSchema): WrittenFile[] {
  const leaves = leavesByPath(schema);
  return rows.map((row) => {
    const keys = textRecord(row['partition_keys'] ?? null);
    return {
      path: String(row['filename']),
      rows: Number(row['count']),
      sizeBytes: Number(row['file_size_bytes']),
      ...(keys === undefined ? {} : { partitionKeys: keys }),
      stats: leafStats(row['column_statistics'] ?? null, leaves),
    };
  });
}

/** Files whose metadata one statement reads. */
const FILES_AT_ONCE = 500;

/** Byte offsets at which the row groups of Parquet files begin, ascending, by the files' paths. */
export async function splitOffsets(
  duck: Duck,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const offsets = new Map<string, number[]>();
  for (let at = 0; at < paths.length; at += FILES_AT_ONCE) {
    const some = paths.slice(at, at + FILES_AT_ONCE);
    const rows = await duck.rows(
      `SELECT file_name, min(least(coalesce(nullif(dictionary_page_offset, 0), data_page_offset), data_page_offset)) AS first
       FROM parquet_metadata(${list(some)}) GROUP BY file_name, row_group_id ORDER BY first`,
      signal,
    );
    for (const { file_name: name, first } of rows) {
      const path = String(name);
      offsets.set(path, [...(offsets.get(path) ?? []), Number(first)]);
    }
  }
  return offsets;
}

/** The leaves of a schema by the path that RETURN_STATS names them with: `"a"."element"."b"`. */
export function leavesByPath(schema: TableSchema): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  for (const column of schema.columns) addLeaves(leaves, ident(column.name), column.id, column.type);
  for (const { name, id } of schema.derived) leaves.set(ident(name), { id, type: 'timestamptz' });
  for (const { name, id } of schema.system) leaves.set(ident(name), { id, type: systemType(name) });
  return leaves;
}

function addLeaves(leaves: Map<string, Leaf>, path: string, id: number, type: ColumnType): void {
  const physical = physicalType(type);
  if (physical !== undefined) leaves.set(path, { id, type: physical });
  if (type.kind === 'list') addLeaves(leaves, `${path}."element"`, type.element.id, type.element.type);
  if (type.kind === 'map') {
    leaves.set(`${path}."key"`, { id: type.keyId, type: 'string' });
    addLeaves(leaves, `${path}."value"`, type.value.id, type.value.type);
  }
  if (type.kind === 'struct') {
    for (const field of type.fields) addLeaves(leaves, `${path}.${ident(field.name)}`, field.id, field.type);
  }
}

function leafStats(columns: Value, leaves: ReadonlyMap<string, Leaf>): Record<number, LeafStats> {
  const stats: Record<number, LeafStats> = {};
  for (const [path, value] of Object.entries(asObject(columns) ?? {})) {
    const leaf = leaves.get(path);
    if (leaf === undefined)
      throw new TailraceError('INTERNAL', `The engine wrote a column that the schema does not have: ${path}.`);
    const raw = textRecord(value) ?? {};
    stats[leaf.id] = {
      valueCount: Number(raw['num_values'] ?? 0),
      nullCount: Number(raw['null_count'] ?? 0),
      sizeBytes: Number(raw['column_size_bytes'] ?? 0),
      ...bound('min', raw['min'], leaf.type),
      ...bound('max', raw['max'], leaf.type),
    };
  }
  return stats;
}

function bound(
  side: 'min' | 'max',
  text: string | null | undefined,
  type: PhysicalType,
): { min?: string; max?: string } {
  const known = text === null || text === undefined ? undefined : boundText(side, text, type);
  return known === undefined ? {} : { [side]: known };
}

const TIME = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

function boundText(side: 'min' | 'max', text: string, type: PhysicalType): string | undefined {
  switch (type) {
    case 'boolean':
      return text === '1' || text === 'true' ? 'true' : 'false';
    case 'timestamptz': {
      // Years before 1 or after 9999 are spelled differently, and infinite times not at all.
      const match = TIME.exec(text);
      return match === null ? undefined : `${match[1] ?? ''}.${(match[2] ?? '').padEnd(6, '0')}+00`;
    }
    case 'double':
      if (!Number.isFinite(Number(text))) return undefined;
      // -0.0 comes out as 0.0, and a reader that tells them apart would prune the file.
      return side === 'min' && Number(text) === 0 ? '-0.0' : text;
    default:
      return text;
  }
}

function asObject(value: Value): { readonly [name: string]: Value } | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  return value as { readonly [name: string]: Value };
}

function textRecord(value: Value): Record<string, string | null> | undefined {
  const object = asObject(value);
  if (object === undefined) return undefined;
  return Object.fromEntries(Object.entries(object).map(([name, part]) => [name, part === null ? null : String(part)]));
}
