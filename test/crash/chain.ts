/** What the fault tests of whole chains share: a tiny hard chain of exports, and what must hold of a table at any time. */
import { stat } from 'node:fs/promises';
import { expect } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import type { LiveFile } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { DdbItem } from '../data/ion.ts';
import { type WrittenExport, writeExport } from '../data/make-export.ts';
import { type WindowChange, writeWindow } from '../data/make-window.ts';
import { canonical, type LoadOptions, type World } from '../faults/load.ts';

/** One thread: calls keep their order. */
export const SMALL: LoadOptions = { batchBytes: 1, threads: 1, key: ['pk'] };

export type Content = ReadonlyMap<string, DdbItem>;

/** A chain with its model: `states[i]` is the table behind the i-th export; a full export, if any, is the first. */
export interface ModelChain {
  readonly dir: string;
  readonly exports: readonly WrittenExport[];
  readonly states: readonly Content[];
  readonly changes: readonly (readonly WindowChange[])[];
}

const START = Date.parse('2026-03-01T12:00:00Z');
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

type Change = readonly [key: string, image?: DdbItem];

/** Updates, inserts and deletes; a number that outgrows its column; deletes alone; nothing; a deleted key again. */
const WINDOWS: readonly (readonly Change[])[] = [
  [['a0', { n: { N: '100' } }], ['a1'], ['b0', { n: { N: '1' }, late: { SS: ['x', 'y'] } }], ['never there']],
  [['a2', { n: { N: '2.5' } }], ['a3', { n: { N: '3' }, text: { NULL: true } }], ['b0']],
  [['a4'], ['a5'], ['never there either']],
  [],
  [['a1', { n: { N: '-1.25' }, text: { S: '' } }], ['a2', { n: { S: 'no number' } }], ['a6']],
];

export const EXPORTS = WINDOWS.length + 1;

/** The chain: a full export of two files, then the windows above. `windows` takes the first of them only. */
export async function smallChain(dir: string, windows = WINDOWS.length): Promise<ModelChain> {
  const items = Array.from(
    { length: 10 },
    (_, index): DdbItem => ({ pk: { S: `a${index}` }, n: { N: `${index}` }, text: { S: `é"\\${index}` } }),
  );
  const exports = [await writeExport(dir, { items, exportTime: `${iso(START).slice(0, -1)}.500Z`, filesCount: 2 })];
  const states: Map<string, DdbItem>[] = [new Map(items.map((item) => [item['pk']?.['S'] as string, item]))];
  const changes: WindowChange[][] = [];
  for (const [index, window] of WINDOWS.slice(0, windows).entries()) {
    const from = START - 60_000 + index * 900_000;
    const state = new Map(states.at(-1));
    const net = window.map(([key, image], at): WindowChange => {
      const old = state.get(key);
      if (image === undefined) state.delete(key);
      else state.set(key, { pk: { S: key }, ...image });
      const now = state.get(key);
      return {
        at: BigInt(from + at) * 1000n,
        keys: { pk: { S: key } },
        ...(old === undefined ? {} : { old }),
        ...(now === undefined ? {} : { new: now }),
      };
    });
    exports.push(await writeWindow(dir, { changes: net, from: iso(from), to: iso(from + 900_000) }));
    states.push(state);
    changes.push(net);
  }
  return { dir, exports, states, changes };
}

/**
 * Throws unless the table is one state of the model, whole: each key once, with its item; every file there with its
 * size; the ledger holds each export once. Gives how many exports the table holds.
 */
export async function expectState(world: World, target: string, { exports, states }: ModelChain): Promise<number> {
  const { state, files } = await world.table(target);
  if (state === undefined) return 0;
  const { ledger } = state;
  const held = (ledger?.entries ?? []).map(({ exportArn }) => exportArn.split('/').at(-1) ?? '');
  expect(held).toEqual(exports.slice(0, held.length).map(({ exportId }) => exportId));
  const windows = ledger?.entries.filter(({ kind }) => kind === 'window').length ?? 0;
  expect((ledger?.covered ?? []).reduce((sum, range) => sum + range.windows, 0)).toBe(windows);
  const content = states[held.length - 1];
  expect(await world.items(target)).toEqual(canonical([...(content?.values() ?? [])]));
  await expectFiles(files);
  expect(String(state.rows)).toBe((await world.query(target, 'SELECT count(*) FROM t'))[0]?.[0]);
  return held.length;
}

/** Every file that the table names is there with its size, once. */
export async function expectFiles(files: readonly LiveFile[]): Promise<void> {
  const everyFile = files.flatMap((file) => [file, ...(file.deletes ?? [])]);
  for (const file of everyFile) expect((await stat(file.path)).size).toBe(file.sizeBytes);
  expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
}

/** How the present state is kept: each key is one row, deleted or not. */
export async function expectKeysOnce(world: World, target: string): Promise<void> {
  const [row] = await world.query(target, 'SELECT count(*), count(DISTINCT pk) FROM t');
  expect(row?.[0]).toBe(row?.[1]);
}

/** A history has one row for each line of the exports that it holds. */
export async function expectHistory(world: World, target: string, chain: ModelChain): Promise<number> {
  const { state } = await world.table(target);
  const held = state?.ledger?.entries.length ?? 0;
  if (held === 0) return 0;
  const rows = await world.query(target, 'SELECT _source, count(*) FROM t GROUP BY 1');
  const lines = chain.exports.slice(0, held).filter(({ itemCount }) => itemCount > 0);
  expect(rows.map(([source, count]) => `${source?.split('/').at(-1)} ${count}`).sort()).toEqual(
    lines.map(({ exportId, itemCount }) => `${exportId} ${itemCount}`).sort(),
  );
  return held;
}

/** Throws unless the counts of a run close. */
export function expectCountsClose({ counts }: SyncReport): void {
  const { read, written, deleted, unchanged, filtered, rejected } = counts;
  expect(read).toBe(written + deleted + unchanged + filtered + rejected);
}

/** Throws unless a run finds all done, and the table stays as it was. */
export async function expectDone(
  world: World,
  source: string,
  target: string,
  options: LoadOptions = {},
): Promise<void> {
  const before = await snapshotOf(world, target);
  const report = await world.sync(source, target, options);
  expect(report.error).toBeUndefined();
  expect(report.outcome).toBe('unchanged');
  expect(await snapshotOf(world, target)).toBe(before);
}

async function snapshotOf(world: World, target: string): Promise<string | undefined> {
  const { table, storage } = await openTarget(target, world.options());
  try {
    return (await table.load())?.snapshot;
  } finally {
    await storage.close();
  }
}
