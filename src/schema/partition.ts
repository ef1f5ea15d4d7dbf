import { TailraceError } from '../model/errors.ts';
import type { PartitionRequest } from '../model/options.ts';
import type { ColumnType, DerivedColumn, Field, TableSchema, TimestampFormat } from '../model/schema.ts';
import type { PartitionField, SortField, TransformName } from '../model/table.ts';
import { foldCase, freeName } from './names.ts';

export { parsePartition, parseSort, printPartition, printSort } from './partition-text.ts';

export interface ResolvedPartition {
  readonly fields: readonly PartitionField[];
  /** The schema's derived columns, and those that the fields need besides. */
  readonly derived: readonly DerivedColumn[];
}

type Formats = (column: string) => TimestampFormat | undefined;

const TIMES: ReadonlySet<TransformName> = new Set(['year', 'month', 'day', 'hour']);
const TEXT_KINDS: readonly ColumnType['kind'][] = ['string', 'number-text', 'json', 'ddb-json'];
/** What Iceberg allows; equality of doubles is too fragile to name a partition by. */
const KINDS: Readonly<Record<'identity' | 'bucket' | 'truncate', readonly ColumnType['kind'][]>> = {
  identity: [...TEXT_KINDS, 'long', 'decimal', 'boolean', 'binary', 'timestamp'],
  bucket: [...TEXT_KINDS, 'long', 'decimal', 'binary', 'timestamp'],
  truncate: [...TEXT_KINDS, 'long', 'decimal', 'binary'],
};

/**
 * Partition fields for what the user asked for, by attribute or column name. A time transform of a string
 * or number adds a derived timestamp column, whose format `formats` knows from the data.
 */
export function resolvePartition(
  requests: readonly PartitionRequest[],
  schema: TableSchema,
  formats: Formats,
  allocateId: () => number,
): ResolvedPartition {
  const derived = [...schema.derived];
  const names = takenNames(schema);
  const fields: PartitionField[] = [];
  for (const request of requests) {
    const found = findColumn(request.column, schema, 'partition');
    const column = TIMES.has(request.transform)
      ? timeColumn(request, found, { derived, names, formats, allocateId })
      : plainColumn(request, found);
    refuseDuplicate(request, column, fields);
    fields.push(named(request, column, names));
  }
  return { fields, derived };
}

/** Sort fields with the table's column names in place of attribute names. */
export function resolveSort(requests: readonly SortField[], schema: TableSchema): SortField[] {
  const seen = new Set<string>();
  return requests.map((request) => {
    const found = findColumn(request.column, schema, 'sort');
    if (found.kind === 'list' || found.kind === 'map' || found.kind === 'struct') {
      throw refused('sort', `Rows cannot be sorted by “${found.name}”`, found.kind, 'a column with plain values');
    }
    if (seen.has(found.name))
      throw new TailraceError('USAGE', `The sort names “${found.name}” twice.`, { place: 'sort' });
    seen.add(found.name);
    return { ...request, column: found.name };
  });
}

/**
 * The folder's part before `=` in a Parquet table. It is never a column's name: readers would take the
 * folder's text in place of the column, and lose '' and types (docs/internals/decisions, 2026-11-21).
 * A leading underscore would hide the folder from PyArrow.
 */
export function folderField(field: Pick<PartitionField, 'name' | 'transform'>): string {
  const name = field.transform === 'identity' ? `${field.name}_part` : field.name;
  return name.startsWith('_') ? `p${name}` : name;
}

interface Found {
  readonly name: string;
  readonly kind: ColumnType['kind'];
  /** Present for a derived column that the user named. */
  readonly derived?: DerivedColumn;
}

function findColumn(asked: string, schema: TableSchema, option: string): Found {
  const byName = schema.columns.find((column) => column.name === asked);
  const byAttr = schema.columns.filter((column) => column.attr === asked);
  const folded = foldCase(asked);
  const near = schema.columns.filter((column) => foldCase(column.name) === folded || foldCase(column.attr) === folded);
  const derived = schema.derived.find((column) => column.name === asked);
  if (byAttr.length > 1 && byName === undefined) throw ambiguous(asked, byAttr, option);
  const column = (byAttr.length === 1 ? byAttr[0] : byName) ?? (near.length === 1 ? near[0] : undefined);
  if (column !== undefined) return { name: column.name, kind: column.type.kind };
  if (derived !== undefined) return { name: derived.name, kind: 'timestamp', derived };
  if (near.length > 1) throw ambiguous(asked, near, option);
  throw new TailraceError('USAGE', `The ${option} names “${asked}”, which is not a column of the table.`, {
    place: `${option}, ${asked}`,
    expected:
      schema.columns.length === 0
        ? 'a column; the data has none'
        : `one of ${listed(schema.columns.map((c) => c.name))}`,
    hint: 'Name a top-level attribute or column; tailrace schema infer lists them.',
  });
}

function ambiguous(asked: string, columns: readonly Field[], option: string): TailraceError {
  return new TailraceError('USAGE', `The ${option} names “${asked}”, which may be several columns.`, {
    place: `${option}, ${asked}`,
    expected: `one of ${listed(columns.map((c) => c.name))}`,
    hint: 'Name the column exactly.',
  });
}

function plainColumn(request: PartitionRequest, found: Found): string {
  const transform = request.transform as keyof typeof KINDS;
  if (KINDS[transform].includes(found.kind)) return found.name;
  throw refused(
    'partition',
    `A table cannot be partitioned by ${transform} of “${found.name}”`,
    found.kind,
    KINDS[transform].join(', '),
  );
}

interface TimeContext {
  readonly derived: DerivedColumn[];
  readonly names: Set<string>;
  readonly formats: Formats;
  readonly allocateId: () => number;
}

/** The timestamp column itself, or the derived one, made when it is not there yet. */
function timeColumn(request: PartitionRequest, found: Found, context: TimeContext): string {
  if (found.kind === 'timestamp') return found.name;
  // First: a column that outgrew long keeps the times that were derived from it.
  const there = context.derived.find((column) => column.from === found.name);
  if (there !== undefined) return there.name;
  if (found.kind !== 'string' && found.kind !== 'long') {
    throw refused(
      'partition',
      `“${found.name}” holds no times for ${request.transform}`,
      found.kind,
      'timestamp, string, long',
    );
  }
  const format = context.formats(found.name);
  if (format === undefined) {
    throw new TailraceError(
      'USAGE',
      `“${found.name}” is not known to hold times, so ${request.transform} cannot be computed.`,
      {
        place: `partition, ${request.transform}(${request.column})`,
        expected:
          'times in one format: iso (2024-01-01T00:00:00Z), iso-ms (….123Z), iso-us (….123456Z), epoch-s, epoch-ms, epoch-us',
        hint: `Give the column “type: timestamp” and its format in a schema file, or partition by ${found.name} itself.`,
      },
    );
  }
  const name = freeName(`${found.name}_ts`, context.names);
  context.names.add(foldCase(name));
  context.derived.push({ id: context.allocateId(), name, from: found.name, format });
  return name;
}

function refuseDuplicate(request: PartitionRequest, column: string, fields: readonly PartitionField[]): void {
  const time = TIMES.has(request.transform);
  const same = fields.find(
    (field) =>
      field.column === column && (field.transform === request.transform || (time && TIMES.has(field.transform))),
  );
  if (same === undefined) return;
  throw new TailraceError(
    'USAGE',
    `The partition names “${column}” twice, by ${same.transform} and ${request.transform}.`,
    {
      place: `partition, ${request.transform}(${request.column})`,
      hint: time
        ? 'Keep the finest: Iceberg prunes by year and month with a field of day, too.'
        : 'Leave one of them out.',
    },
  );
}

/** Neither the field nor its folder may have the name of another column or field. */
function named(request: PartitionRequest, column: string, names: Set<string>): PartitionField {
  const { transform, width } = request;
  const suffix = {
    identity: '',
    bucket: '_bucket',
    truncate: '_trunc',
    year: '_year',
    month: '_month',
    day: '_day',
    hour: '_hour',
  };
  const numbered = width === undefined ? `_${transform}` : `${suffix[transform]}_${width}`;
  const free = (name: string): boolean =>
    (name === column || !names.has(foldCase(name))) && !names.has(foldCase(folderField({ name, transform })));
  let name = [`${column}${suffix[transform]}`, `${column}${numbered}`].find(free);
  for (let count = 2; name === undefined; count += 1) name = [`${column}${numbered}_${count}`].find(free);
  names.add(foldCase(name)).add(foldCase(folderField({ name, transform })));
  return { column, transform, name, ...(width === undefined ? {} : { width }) };
}

function takenNames(schema: TableSchema): Set<string> {
  return new Set([...schema.columns, ...schema.derived, ...schema.system].map((column) => foldCase(column.name)));
}

function refused(option: string, message: string, found: string, expected: string): TailraceError {
  return new TailraceError('USAGE', `${message}, a column of type ${found}.`, {
    place: option,
    found,
    expected,
    hint: 'Name another column, or give this one another type in a schema file.',
  });
}

function listed(names: readonly string[]): string {
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} … (${names.length} in all)` : names.join(', ');
}
