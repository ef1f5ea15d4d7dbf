/**
 * What a table that is there says of a run's options. A load that makes all rows takes those that are given, and of the
 * rest what the table keeps. A window takes what the table keeps: rows of one column are to mean one thing.
 */
import { createHash } from 'node:crypto';
import { flagOf } from '../../config/option-spec.ts';
import { TailraceError } from '../../model/errors.ts';
import type { KeptOption, PartitionRequest, SyncOptions } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { PartitionField, SortField, TableOptions, TableState } from '../../model/table.ts';
import type { SchemaFile } from '../../schema/files/user-schema.ts';
import { printPartition, printSort, resolvePartition, resolveSort } from '../../schema/partition.ts';
import { defaultOptions } from './defaults.ts';

/** An option that is given, and is another than the table was made with. */
export interface OptionChange {
  /** As a flag: `--partition`. */
  readonly flag: string;
  readonly before: string;
  readonly now: string;
  /** A window brings it about, too: a key, where none was known. */
  readonly byWindow?: true;
}

export interface Kept {
  /** With the table's mode, settled. */
  readonly options: SyncOptions;
  readonly file: SchemaFile | undefined;
  /** What the commit records. */
  readonly recorded: TableOptions;
  readonly changes: readonly OptionChange[];
}

/** Options whose values are recorded by their names. The layout is recorded as the format has it. */
const RECORDED = [
  'timestamps',
  'onMixed',
  'numbers',
  'maxColumns',
  'maxDepth',
  'include',
  'exclude',
  'filter',
] as const;

/** The options of one load into this table; `remake`: it makes all rows. A new table is made as the options say. */
export function keepOptions(
  options: SyncOptions,
  file: SchemaFile | undefined,
  base: TableState | undefined,
  remake: boolean,
): Kept {
  const isGiven = givenness(options);
  const changes = base === undefined ? [] : changesOf(options, file, base, isGiven);
  const before = base?.options;
  const holds: IsGiven = (name) => (remake || base === undefined) && isGiven(name);
  const kept = before === undefined ? {} : pick(before, holds);
  const layout = keptLayout(options, base, holds);
  const mode = base?.ledger === undefined ? (options.mode ?? 'mirror') : (base.ledger.mode ?? 'mirror');
  const key = remake || base === undefined || base.schema.keys.length === 0 ? options.schema.key : [];
  const settled: SyncOptions = { ...options, ...layout, mode, schema: { ...options.schema, ...kept, key, mode } };
  checkTogether(settled);
  checkFilter(settled, base, remake);
  const keepsFile = base !== undefined && before !== undefined && !holds('schema');
  const digest = keepsFile ? before['schema'] : fileDigest(file);
  const itsFile = digest === undefined || base === undefined ? undefined : asFile(base.schema);
  return {
    options: settled,
    file: keepsFile ? itsFile : file,
    recorded: { ...valuesOf(settled), ...(digest === undefined ? {} : { schema: digest }) },
    changes,
  };
}

/** What a table records of its options once its columns have been changed on request: a schema file no longer tells them. */
export function evolvedOptions(options: TableOptions | undefined, schema: TableSchema): TableOptions | undefined {
  if (options?.['schema'] === undefined) return undefined;
  return { ...options, schema: fileDigest(asFile(schema)) ?? '' };
}

type IsGiven = (name: KeptOption) => boolean;

/** Named as given, or other than the default: a library's caller names none. */
function givenness(options: SyncOptions): IsGiven {
  const [mine, standard] = [plain(options), plain(defaultOptions())];
  return (name) => options.given.includes(name) || JSON.stringify(mine[name]) !== JSON.stringify(standard[name]);
}

function plain(options: SyncOptions): Readonly<Record<KeptOption, unknown>> {
  const { schema, schemaFile, partition, sort } = options;
  return { ...schema, schema: schemaFile ?? null, partition, sort };
}

/** What the table was made with, where nothing else holds: what is not recorded has its default. */
function pick(values: TableOptions, holds: IsGiven): TableOptions {
  const standard = defaultOptions().schema;
  const names = RECORDED.filter((name) => !holds(name));
  return Object.fromEntries(names.map((name) => [name, values[name] ?? standard[name]]));
}

function keptLayout(
  options: SyncOptions,
  base: TableState | undefined,
  holds: IsGiven,
): { readonly partition: readonly PartitionRequest[]; readonly sort: readonly SortField[] } {
  return {
    partition: holds('partition') || base === undefined ? options.partition : base.partition.map(requestOf),
    sort: holds('sort') || base === undefined ? options.sort : base.sort,
  };
}

/** A field of a table's partition as an option would ask for it. */
export function requestOf({ transform, width, column }: PartitionField): PartitionRequest {
  return { transform, column, ...(width === undefined ? {} : { width }) };
}

/** A given option and a kept one may contradict each other, as two given ones may. */
function checkTogether({ schema: { include, exclude, key } }: SyncOptions): void {
  const both = [...include, ...key].find((name) => exclude.includes(name));
  if (both === undefined) return;
  throw new TailraceError('USAGE', `'${both}' is named, but the table was made with --exclude ${exclude.join(',')}.`, {
    place: '--exclude',
    hint: 'Give --exclude as it shall be from now on, or --no-exclude.',
  });
}

/** A filter holds for all rows of a table, from its first load on, and says of each item whether it has a row. */
function checkFilter({ schema: { filter }, mode }: SyncOptions, base: TableState | undefined, remake: boolean): void {
  if (filter === '') return;
  if (mode !== 'mirror')
    throw new TailraceError('USAGE', 'A filter needs a table of the present items, deleted ones gone.', {
      place: '--filter',
      expected: '--mode mirror with --deletes hard',
      found: mode === 'soft' ? '--deletes soft' : `--mode ${mode}`,
      hint: 'An item that no longer meets the filter leaves the table: no row of it can be kept as history, nor marked as deleted.',
    });
  if (base === undefined || remake || base.options !== undefined) return;
  throw new TailraceError('USAGE', 'The rows of the table that is there were made without the filter.', {
    place: `--filter, ${base.location}`,
    expected: 'no filter',
    found: filter,
    hint: 'Leave --filter out; a full export with --replace makes all rows by it.',
  });
}

/** The table's columns as the schema file that they came from: it may be gone, but the columns are what it said. */
function asFile(schema: TableSchema): SchemaFile {
  return { form: 'tailrace', key: recordedKey(schema), columns: opened(schema.columns), derived: schema.derived };
}

/** Of what was only NULL no file says more than that its first value tells. */
function opened(columns: SchemaFile['columns']): SchemaFile['columns'] {
  const text = JSON.stringify(columns, (_, value: unknown) => {
    const { tag, type, ...rest } = (value ?? {}) as {
      readonly tag?: unknown;
      readonly type?: { readonly kind?: unknown };
    };
    return tag === 'NULL' && type?.kind === 'string' ? { ...rest, type: { kind: 'auto' } } : value;
  });
  return JSON.parse(text) as SchemaFile['columns'];
}

function fileDigest(file: SchemaFile | undefined): string | undefined {
  return file === undefined ? undefined : createHash('sha256').update(JSON.stringify(file)).digest('hex').slice(0, 16);
}

/** The values that are not the defaults. */
function valuesOf({ schema }: SyncOptions): TableOptions {
  const standard = defaultOptions().schema;
  const names = RECORDED.filter((name) => JSON.stringify(schema[name]) !== JSON.stringify(standard[name]));
  return Object.fromEntries(names.map((name) => [name, schema[name]]));
}

function changesOf(
  options: SyncOptions,
  file: SchemaFile | undefined,
  base: TableState,
  isGiven: IsGiven,
): OptionChange[] {
  const changes: OptionChange[] = [];
  const compare = (flag: string, before: string, now: string): void => {
    if (before !== now) changes.push({ flag, before, now });
  };
  const key = recordedKey(base.schema);
  if (options.schema.key.length > 0 && key.length > 0)
    compare('--key', listText(key, ''), listText(options.schema.key, ''));
  if (options.schema.key.length > 0 && key.length === 0)
    changes.push({ flag: '--key', before: 'unknown', now: listText(options.schema.key, ''), byWindow: true });
  if (isGiven('partition'))
    compare('--partition', layoutText(base.partition.map(printPartition)), partitionNow(options, base));
  if (isGiven('sort')) compare('--sort', layoutText(base.sort.map(printSort)), sortNow(options, base));
  if (base.options === undefined) return changes;
  const { options: before } = base;
  if (isGiven('schema') && before['schema'] !== fileDigest(file)) {
    const none = 'none';
    const now = file === undefined ? none : before['schema'] === undefined ? 'a schema file' : 'another schema file';
    compare('--schema', before['schema'] === undefined ? none : 'a schema file', now);
  }
  const standard = defaultOptions().schema;
  for (const name of RECORDED.filter(isGiven))
    compare(flagOf(name), valueText(before[name] ?? standard[name], name), valueText(options.schema[name], name));
  return changes;
}

function recordedKey({ keys, columns }: TableSchema): string[] {
  return keys.flatMap((name) => columns.find((column) => column.name === name)?.attr ?? []);
}

/** As the table would name it; columns that only a load would make are named as they were asked for. */
function partitionNow({ partition }: SyncOptions, { schema }: TableState): string {
  try {
    let id = schema.lastFieldId;
    const { fields } = resolvePartition(
      partition,
      schema,
      () => undefined,
      () => ++id,
    );
    return layoutText(fields.map(printPartition));
  } catch (thrown) {
    if (!(thrown instanceof TailraceError)) throw thrown;
    return layoutText(partition.map(printPartition));
  }
}

function sortNow({ sort }: SyncOptions, { schema }: TableState): string {
  try {
    return layoutText(resolveSort(sort, schema).map(printSort));
  } catch (thrown) {
    if (!(thrown instanceof TailraceError)) throw thrown;
    return layoutText(sort.map(printSort));
  }
}

function layoutText(fields: readonly string[]): string {
  return listText(fields, 'none');
}

function listText(names: readonly string[], none: string): string {
  return names.length === 0 ? none : names.join(', ');
}

/** The order of names in a list says nothing. */
function valueText(value: string | number | readonly string[], name: string): string {
  const none = name === 'include' ? 'all attributes' : 'none';
  return typeof value === 'object' ? listText([...value].sort(), none) : value === '' ? none : String(value);
}
