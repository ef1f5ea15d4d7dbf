/** Tables that other tools made, taken over where they can be kept exactly. */
import { parseMoment } from '../config/times.ts';
import { TailraceError } from '../model/errors.ts';
import { type Field, type SystemColumn, systemColumns, type TableSchema } from '../model/schema.ts';
import type { Ledger, TableMode, TableState } from '../model/table.ts';
import type { SchemaFile } from '../schema/files/user-schema.ts';
import type { FoundExport } from '../source/port.ts';

export interface Adoption {
  /** Every change before this time is in the table. */
  readonly fromTime: string | undefined;
  /** Tells which text columns hold something other than text. */
  readonly file: SchemaFile | undefined;
  /** Key attributes, partition key first; empty when unknown. */
  readonly key: readonly string[];
  readonly mode: TableMode;
}

/**
 * The table as if tailrace had written it up to `fromTime`: with system columns, and a ledger that begins there. Its
 * rows have no time of their own, so every change replaces them. Nothing is written: the first window's commit is what
 * makes it so. Refused where columns cannot be kept up to date exactly.
 */
export function adopt(base: TableState, found: readonly FoundExport[], adoption: Adoption): TableState {
  const { location } = base;
  if (base.format !== 'iceberg') throw refused(location, 'an Iceberg table', `a ${base.format} table`);
  const table = onlyTable(found, location);
  const watermark = timeOf(adoption.fromTime, location);
  const schema = adoptedSchema(base, adoption);
  const mode = adoption.mode === 'mirror' ? {} : { mode: adoption.mode };
  const ledger: Ledger = { version: 1, ...table, ...mode, entries: [], watermark, commitId: 'adopted' };
  return { ...base, schema, ledger };
}

function onlyTable(found: readonly FoundExport[], place: string): Pick<Ledger, 'tableArn' | 'tableId'> {
  const ids = new Set(found.map(({ tableId }) => tableId));
  const [first] = found;
  if (first !== undefined && ids.size === 1) return { tableArn: first.tableArn, tableId: first.tableId };
  throw refused(place, 'exports of one DynamoDB table at the source', `${ids.size} tables`);
}

function timeOf(text: string | undefined, place: string): string {
  const ms = text === undefined ? undefined : parseMoment(text);
  if (ms !== undefined) return new Date(ms).toISOString().replace('.000Z', 'Z');
  throw new TailraceError('USAGE', 'Nothing tells up to which time the table holds every change.', {
    place,
    expected: '--from-time with a time and its zone, such as 2026-03-01T12:00:00Z',
    found: text ?? 'nothing',
    hint: 'Name the time of the full export, or the end of the last window, that was loaded into the table.',
  });
}

function adoptedSchema({ schema, location }: TableState, { file, key, mode }: Adoption): TableSchema {
  const tags = new Map(file?.columns.map((column) => [column.attr, column.tag]));
  const bad = schema.columns.filter((column) => {
    const tag = tags.get(column.attr);
    return column.type.kind === 'string' && tag !== undefined && tag !== 'S' && tag !== 'NULL';
  });
  if (bad.length > 0) {
    const names = bad.map(({ name, attr }) => `${name} (${tags.get(attr)})`).join(', ');
    throw refused(location, 'text columns that hold texts', `text of other types in ${names}`);
  }
  const taken = new Set(systemColumns(mode) as readonly string[]);
  const clash = schema.columns.find(({ name }) => taken.has(name));
  if (clash !== undefined) throw refused(location, 'no column of a system name', clash.name);
  let { lastFieldId } = schema;
  const system = systemColumns(mode).map((name): SystemColumn => ({ id: ++lastFieldId, name }));
  const columnOf = (attr: string): Field | undefined => schema.columns.find((column) => column.attr === attr);
  const missing = key.find((attr) => columnOf(attr) === undefined);
  if (missing !== undefined) throw refused(location, `a column for the key attribute “${missing}”`, 'none');
  const keys = key.length > 0 ? key.map((attr) => columnOf(attr)?.name ?? attr) : schema.keys;
  if (keys.length === 0) {
    throw new TailraceError('USAGE', 'The table does not tell its key.', {
      place: '--key',
      expected: 'the key attributes of the DynamoDB table, partition key first',
      hint: 'Name it with --key.',
    });
  }
  const ordered = [...keys.flatMap((name) => schema.columns.filter((column) => column.name === name))];
  return {
    ...schema,
    columns: [...ordered, ...schema.columns.filter((column) => !ordered.includes(column))].map(exact),
    keys,
    system,
    lastFieldId,
  };
}

/** Nobody asked tailrace to round: of changed items, numbers that a double rounds are rescued. */
function exact(column: Field): Field {
  return column.type.kind === 'double' ? { ...column, type: { kind: 'double', exact: true } } : column;
}

function refused(place: string, expected: string, found: string): TailraceError {
  return new TailraceError('LEDGER_REFUSED', 'The table cannot be adopted.', {
    place,
    expected,
    found,
    hint: 'Load the full export into a new table, which takes minutes, and let the windows follow there.',
  });
}
