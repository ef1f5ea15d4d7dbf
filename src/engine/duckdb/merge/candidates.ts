import { compareBytes } from '../../../model/byte-order.ts';
import { type PhysicalType, physicalType, type TableSchema } from '../../../model/schema.ts';
import type { DataFile, LiveFile, PartitionField, PartitionValue, TimeRange } from '../../../model/table.ts';
import { ident } from '../../sql/quote.ts';
import { columnType, partitionText } from '../copy.ts';
import type { Duck } from '../instance.ts';
import { type Changes, changesSql } from './changes.ts';

/** More partition values than this are not told apart: then any partition may hold a changed key. */
const MAX_VALUES = 10_000;

/** Which keys the changes have, as far as it serves to leave files out. */
export interface ChangedKeys {
  /** Least and greatest value of each key column, in the text form of LeafStats; undefined where the column becomes
   * another that is ordered otherwise. */
  readonly bounds: readonly ({ readonly min: string; readonly max: string } | undefined)[];
  /** By name of the partition field: the values that changed keys fall into. Fields that no key decides are missing, and
   * those of a key whose column becomes another: its files lie where the values of the former type fall. */
  readonly partitions: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads the keys of the changes, which are small files on this machine's disk. */
export async function changedKeys(
  duck: Duck,
  changes: Changes,
  { schema: from, partition }: Pick<KeyedTable, 'schema' | 'partition'>,
  signal?: AbortSignal,
): Promise<ChangedKeys> {
  const { schema, keys } = changes;
  const text = (i: number, side: 'min' | 'max'): string =>
    `${boundSql(`${side}(k${i})`, keyType(schema, keys[i] ?? ''))}`;
  const selects = keys.map((_, i) => `${text(i, 'min')} AS min${i}, ${text(i, 'max')} AS max${i}`);
  const [row] = await duck.rows(`SELECT ${selects.join(', ')} FROM (${changesSql(changes)})`, signal);
  const bounds = keys.map((key, i) =>
    areOrderedAlike(keyType(from, key), keyType(schema, key))
      ? { min: String(row?.[`min${i}`]), max: String(row?.[`max${i}`]) }
      : undefined,
  );
  const partitions = new Map<string, ReadonlySet<string>>();
  const decides = ({ column }: PartitionField): boolean =>
    keys.includes(column) && fallAlike(keyType(from, column), keyType(schema, column));
  for (const field of partition.filter(decides)) {
    const named = keys.map((key, i) => `k${i} AS ${ident(key)}`).join(', ');
    const values = await duck.rows(
      `SELECT DISTINCT ${partitionText(field, schema)} AS value FROM (SELECT ${named} FROM (${changesSql(changes)}))
       LIMIT ${MAX_VALUES + 1}`,
      signal,
    );
    const type = partitionType(field, schema);
    if (values.length <= MAX_VALUES) {
      partitions.set(field.name, new Set(values.map(({ value }) => normal(String(value), type))));
    }
  }
  return { bounds, partitions };
}

/** A table as far as it tells where keys lie. */
export interface KeyedTable {
  /** The one that the files' statistics and partition values go by. */
  readonly schema: TableSchema;
  readonly keys: readonly string[];
  readonly partition: readonly PartitionField[];
}

/** A data file; `otherSpec`: its partition values are those of another partition than the table's present one. */
type PartitionedFile = DataFile & Pick<LiveFile, 'otherSpec'>;

/**
 * Files that may hold a row with a changed key: those whose bounds of the key columns meet the changes', and whose
 * partition a changed key falls into. A bound or value that is missing leaves its file in.
 */
export function candidateFiles<T extends PartitionedFile>(
  files: readonly T[],
  changed: ChangedKeys,
  table: KeyedTable,
): T[] {
  const { schema, keys, partition } = table;
  const columns = keys.map((key) => ({
    id: schema.columns.find(({ name }) => name === key)?.id ?? -1,
    type: keyType(schema, key),
  }));
  const meets = ({ stats }: DataFile): boolean =>
    columns.every(({ id, type }, i) => {
      const [file, change] = [stats[id], changed.bounds[i]];
      if (file === undefined || change === undefined) return true;
      if (file.min !== undefined && compare(file.min, change.max, type) > 0) return false;
      return file.max === undefined || compare(file.max, change.min, type) >= 0;
    });
  const within = (file: PartitionedFile): boolean =>
    file.otherSpec === true ||
    partition.every((field, i) => {
      const values = changed.partitions.get(field.name);
      const value: PartitionValue | undefined = file.partition[i];
      if (values === undefined || value === undefined || value === null) return true;
      return values.has(normal(String(value), partitionType(field, schema)));
    });
  return files.filter((file) => meets(file) && within(file));
}

/** One text for the partition of a file, the same for equal values however they are spelled. */
export function partitionKey(
  values: readonly PartitionValue[],
  partition: readonly PartitionField[],
  schema: TableSchema,
): string {
  const texts = partition.map((field, i) => {
    const value = values[i];
    return value === undefined || value === null ? null : normal(String(value), partitionType(field, schema));
  });
  return JSON.stringify(texts);
}

/** Files that may hold a row that was written within a time. */
export function filesWrittenWithin<T extends DataFile>(
  files: readonly T[],
  { system }: TableSchema,
  { from, to }: TimeRange,
): T[] {
  const id = system.find(({ name }) => name === '_written_at')?.id ?? -1;
  const ms = (text: string): number => Date.parse(text.replace(' ', 'T').replace(/\+00(:00)?$/, 'Z'));
  return files.filter(({ stats }) => {
    const { min, max, valueCount = 0, nullCount = 0 } = stats[id] ?? {};
    if (min === undefined || max === undefined) return valueCount === 0 || nullCount < valueCount;
    // Milliseconds are cut off.
    return !(ms(min) >= Date.parse(to) || ms(max) + 1 <= Date.parse(from));
  });
}

function keyType(schema: TableSchema, key: string): PhysicalType {
  const column = schema.columns.find(({ name }) => name === key);
  return (column === undefined ? undefined : physicalType(column.type)) ?? 'string';
}

/** Whether equal values of both types fall into the same partition, whatever the transform: it may go by digits. */
function fallAlike(a: PhysicalType, b: PhysicalType): boolean {
  const kind = (type: PhysicalType): unknown => (typeof type === 'object' ? type.decimal[1] : type);
  return kind(a) === kind(b);
}

/** Whether both types put equal values in the same order: numbers do, but not their texts. */
function areOrderedAlike(a: PhysicalType, b: PhysicalType): boolean {
  const kind = (type: PhysicalType): string => (typeof type === 'object' || type === 'long' ? 'number' : type);
  return kind(a) === kind(b);
}

/** The type of a partition field's value; undefined for numbers that a transform gives. */
function partitionType(field: PartitionField, schema: TableSchema): PhysicalType | undefined {
  return field.transform === 'identity' || field.transform === 'truncate'
    ? columnType(schema, field.column)
    : undefined;
}

/** One spelling for equal values. */
function normal(text: string, type: PhysicalType | undefined): string {
  if (type === 'binary') return text.toLowerCase();
  if (typeof type === 'object' && text.includes('.')) return text.replace(/\.?0+$/, '');
  return text;
}

/** A bound in the text form of LeafStats. */
function boundSql(value: string, type: PhysicalType): string {
  if (type === 'binary') return `hex(${value})`;
  if (type === 'timestamptz') return `strftime(${value}, '%Y-%m-%d %H:%M:%S.%f+00')`;
  return `(${value})::VARCHAR`;
}

/** Orders two bounds as the engine orders the values. */
function compare(a: string, b: string, type: PhysicalType): number {
  if (type === 'binary') return compareBytes(a.toLowerCase(), b.toLowerCase());
  if (type === 'double') return Number(a) - Number(b);
  if (type === 'long' || typeof type === 'object') return compareDecimals(a, b);
  return compareBytes(a, b);
}

function compareDecimals(a: string, b: string): number {
  const scale = Math.max(fractionOf(a).length, fractionOf(b).length);
  const unscaled = (text: string): bigint => BigInt((text.split('.')[0] ?? '') + fractionOf(text).padEnd(scale, '0'));
  const difference = unscaled(a) - unscaled(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function fractionOf(text: string): string {
  return text.split('.')[1] ?? '';
}
