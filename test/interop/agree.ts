import { expect } from 'vitest';
import type { TableSchema } from '../../src/model/schema.ts';
import { canonicalValue } from '../data/canonical.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { canonText } from './canonical.ts';
import { type ExpectedRow, expectedRow } from './expected.ts';
import { READERS, type Reader, type Row, readersOf, readTables } from './readers.ts';
import { sameValue } from './same.ts';

export interface ReadTable {
  /** Names the table in messages. */
  readonly name: string;
  readonly location: string;
  readonly format: 'iceberg' | 'parquet';
  readonly schema: TableSchema;
  readonly items: readonly DdbItem[];
  /** Attributes that --exclude dropped. */
  readonly exclude?: readonly string[];
  /** Key attributes, where the schema names no key. */
  readonly matchBy?: readonly string[];
  /** Windows were merged into it: rows bear times, and a row that came when a column was narrower may be rescued still. */
  readonly merged?: true;
  /** `region = 'eu'`: only these rows are asked for, and all of them must come. */
  readonly filter?: { readonly sql: string; readonly keeps: (item: DdbItem) => boolean };
}

const SHOWN_MAX = 8;

/** Every reader of the field that is installed reads each table, and each row agrees with its item, value by value. */
export async function expectReadersAgree(tables: readonly ReadTable[]): Promise<void> {
  const faults: string[] = [];
  for (const reader of READERS) {
    const own = tables.filter(({ format }) => readersOf(format).includes(reader));
    if (own.length === 0) continue;
    const requests = own.map(({ location, format, filter }) => ({
      location,
      format,
      ...(filter === undefined ? {} : { filter: filter.sql }),
    }));
    const read = await readTables(reader, requests);
    for (const [index, table] of own.entries()) faults.push(...compareRows(reader, table, read[index] ?? []));
  }
  expect(faults.slice(0, SHOWN_MAX)).toEqual([]);
}

/** What differs between the rows and the items, a line each. */
export function compareRows(reader: Reader, table: ReadTable, rows: readonly Row[]): string[] {
  const { schema } = table;
  const wanted = table.items.filter((item) => table.filter?.keeps(item) ?? true);
  const faults: string[] = [];
  const say = (text: string): void => {
    faults.push(`${reader}, ${table.name}: ${text}`);
  };
  if (rows.length !== wanted.length) say(`${rows.length} rows for ${wanted.length} items`);
  const keyColumns = keyColumnsOf(table);
  const byKey = new Map(rows.map((row) => [canonText(keyColumns.map((name) => row[name] ?? null)), row]));
  if (byKey.size !== rows.length) say(`${rows.length} rows, but ${byKey.size} keys`);
  for (const item of wanted) {
    const expected = expectedRow(schema, item, table.exclude);
    const key = canonText(keyColumns.map((name) => expected.columns.get(name)?.value ?? null));
    const row = byKey.get(key);
    if (row === undefined) say(`no row for key ${key.slice(0, 200)}`);
    else for (const fault of compareRow(reader, table, item, expected, row)) say(`key ${key.slice(0, 200)}, ${fault}`);
  }
  return faults;
}

function keyColumnsOf({ schema, matchBy }: ReadTable): readonly string[] {
  if (matchBy === undefined) return schema.keys;
  return matchBy.map((attr) => schema.columns.find((column) => column.attr === attr)?.name ?? attr);
}

function compareRow(reader: Reader, table: ReadTable, item: DdbItem, expected: ExpectedRow, row: Row): string[] {
  const { schema, merged } = table;
  const faults: string[] = [];
  const kept = merged === true && typeof row._rescued === 'string' ? (JSON.parse(row._rescued) as DdbItem) : {};
  for (const [name, fit] of expected.columns) {
    const column = schema.columns.find((one) => one.name === name);
    const actual = row[name];
    if (column !== undefined && Object.hasOwn(kept, column.attr)) continue;
    if (actual === undefined) faults.push(`column ${name} is missing`);
    else if (!sameValue(fit, actual, column, reader)) {
      const shown = `${canonText(actual).slice(0, 200)}, expected ${canonText(fit.value).slice(0, 200)}`;
      faults.push(`column ${name.slice(0, 80)} (${column?.type.kind ?? 'derived'}): ${shown}`);
    }
  }
  if (merged !== true && schema.system.some(({ name }) => name === '_written_at') && row._written_at !== null) {
    faults.push(`_written_at is ${canonText(row._written_at ?? 'missing')}`);
  }
  return [...faults, ...compareRescued(item, expected, row._rescued, merged === true)];
}

function compareRescued(item: DdbItem, expected: ExpectedRow, text: unknown, merged: boolean): string[] {
  if (text !== null && typeof text !== 'string') return [`_rescued is ${JSON.stringify(text)}`];
  const rescued = text === null ? {} : (JSON.parse(text) as DdbItem);
  const faults = [...expected.mustRescue]
    .filter((attr) => !Object.hasOwn(rescued, attr))
    .map((attr) => `${attr.slice(0, 80)} is not rescued: ${JSON.stringify(Reflect.get(item, attr)).slice(0, 200)}`);
  if (text !== null && Object.keys(rescued).length === 0) faults.push('_rescued is an empty object');
  for (const [attr, value] of Object.entries(rescued)) {
    const original: unknown = Object.hasOwn(item, attr) ? Reflect.get(item, attr) : undefined;
    if (!merged && !expected.mustRescue.has(attr) && !expected.mayRescue.has(attr))
      faults.push(`${attr.slice(0, 80)} is rescued needlessly`);
    else if (original === undefined || canonicalValue(value) !== canonicalValue(original as DdbValue)) {
      faults.push(`${attr.slice(0, 80)} is rescued as ${JSON.stringify(value).slice(0, 200)}`);
    }
  }
  return faults;
}
