/**
 * A Parquet table that a catalog shows to readers: behind each commit its entry is brought to the new generation. A run
 * that was killed in between leaves the entry at the one before, which stays for a day; the next run, whatever it finds to
 * do, shows the newest.
 */
import type { ShownPartition, ShownState, ShownTable } from '../../catalog/shown/port.ts';
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type { ColumnType, TableSchema } from '../../model/schema.ts';
import type { LiveFile, TableHandle, TableState } from '../../model/table.ts';
import { hiveColumns } from '../../schema/files/hive-ddl.ts';
import { folderField } from '../../schema/partition.ts';
import { openParquetTable } from './table.ts';

/** Looks at a table that others commit to, until what is shown is what it holds. */
const LOOKS_MAX = 10;
/** What parsers of Hive's types take for a name. */
const FIELD_NAME = /^[\p{L}\p{N}_]+$/u;
/** Glue's and Hive's limits. */
const NAME_MAX = 255;
const TYPE_MAX = 131_072;

/** The Parquet table with its entry in a catalog. */
export function shownParquetTable(shown: ShownTable): TableHandle {
  const table = openParquetTable(shown.storage, shown.location);
  const show = (): Promise<string | undefined> => bringUp(table, shown);
  return {
    format: 'parquet',
    location: table.location,
    load: () => table.load(),
    dataFiles: () => table.dataFiles(),
    dataFilePath: (...words) => table.dataFilePath(...words),
    tidy: async () => table.tidy?.(),
    discard: async (commitId) => table.discard?.(commitId),
    show,
    commit: async (staged, base, options) => {
      refuseUnknownTypes(staged.schema, shown.name);
      const outcome = await table.commit(staged, base, options);
      if (outcome.kind !== 'committed') return outcome;
      const behind = await show();
      return behind === undefined ? outcome : { ...outcome, behind };
    },
  };
}

/** Another run may commit and show meanwhile: whoever looks last shows the newest. */
async function bringUp(table: TableHandle, shown: ShownTable): Promise<string | undefined> {
  try {
    let last: string | undefined;
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const state = await table.load();
      if (state?.snapshot === undefined || state.snapshot === last) return undefined;
      // The run that goes on to commit shows what it comes to; of one that was killed, the next run does.
      if (state.published !== undefined) return undefined;
      const files = await table.dataFiles();
      const folder = `${state.location}/${state.snapshot}`;
      if (!files.every(({ path }) => path.startsWith(`${folder}/`))) continue;
      await shown.show(shownState(state, state.snapshot, files));
      last = state.snapshot;
    }
    return 'Other runs commit faster than the catalog takes it.';
  } catch (thrown) {
    return asTailraceError(thrown).message;
  }
}

function shownState(state: TableState, generation: string, files: readonly LiveFile[]): ShownState {
  const folder = `${state.location}/${generation}`;
  const partitionKeys = state.partition.map((field) => folderField(field).toLowerCase());
  const folders = new Set(files.map(({ path }) => path.slice(folder.length + 1, Math.max(path.lastIndexOf('/'), 0))));
  return {
    generation,
    folder,
    columns: hiveColumns(state.schema, (name) => name),
    partitionKeys,
    partitions:
      partitionKeys.length === 0 ? [] : [...folders].sort().map((path) => partitionAt(`${folder}/${path}`, path)),
  };
}

/** `region_part=a%2Fb/at_day=2024-01-01` */
function partitionAt(folder: string, path: string): ShownPartition {
  const labels = path.split('/').map((segment) => segment.slice(segment.indexOf('=') + 1));
  const unescaped = (label: string): string =>
    label.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return { values: labels.map(unescaped), labels, folder };
}

/** Before anything is committed: an entry whose types nobody can parse makes the table unreadable by its name. */
function refuseUnknownTypes(schema: TableSchema, place: string): void {
  const odd = schema.columns.flatMap(({ type }) => fieldNames(type)).find((name) => !FIELD_NAME.test(name));
  if (odd !== undefined) {
    throw new TailraceError('CATALOG', 'Athena and Hive cannot read a struct with a field of this name.', {
      place,
      expected: 'letters, digits and _',
      found: odd,
      hint: 'Give the field another name in a schema file (--schema), or let its attribute be JSON (--max-depth).',
    });
  }
  const long = hiveColumns(schema, (name) => name).find(
    ({ name, type }) => name.length > NAME_MAX || type.length > TYPE_MAX,
  );
  if (long === undefined) return;
  throw new TailraceError('CATALOG', `The column ${long.name.slice(0, NAME_MAX)} is too long for the catalog.`, {
    place,
    expected: `a name of at most ${NAME_MAX} characters, and a type of at most ${TYPE_MAX}`,
    found: `${long.name.length} and ${long.type.length}`,
    hint: 'Shorten its name in a schema file, or lower --max-depth: deeper values become JSON text.',
  });
}

function fieldNames(type: ColumnType): readonly string[] {
  switch (type.kind) {
    case 'list':
      return fieldNames(type.element.type);
    case 'map':
      return fieldNames(type.value.type);
    case 'struct':
      return type.fields.flatMap((field) => [field.name, ...fieldNames(field.type)]);
    default:
      return [];
  }
}
