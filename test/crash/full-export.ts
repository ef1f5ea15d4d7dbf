/** What the kill tests of whole loads share: a small hard export, the state of a world, and what must hold in it. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import type { SyncReport } from '../../src/model/report.ts';
import type { DdbItem } from '../data/ion.ts';
import type { WrittenExport } from '../data/make-export.ts';
import { canonical, type LoadOptions, visibleData, type World } from '../faults/load.ts';

/** Each file is a batch; the last one brings an attribute that the others do not have. One thread: calls keep their order. */
export const SMALL: LoadOptions = { batchBytes: 1, threads: 1, key: ['pk'] };
export const FILES = 6;
/** Hundreds of loads that each wait for a disk take minutes. */
export const FAST_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Few columns, so that hundreds of loads take little time; values that are absent, NULL, empty, wide or mixed. */
export function smallItems(count: number, generation = 0): DdbItem[] {
  return Array.from(
    { length: count },
    (_, index): DdbItem => ({
      pk: { S: `${generation}#${index} é"\\` },
      region: { S: ['eu/west=1', 'us', '日本'][index % 3] ?? '' },
      at: { S: `2026-03-0${(index % 2) + 1}T12:00:00Z` },
      n: { N: index % 5 === 0 ? '99999999999999999999999999999999999999' : String(index) },
      ...(index % 4 === 0 ? {} : { text: index % 4 === 1 ? { NULL: true } : { S: index % 4 === 2 ? '' : 'x\u0000y' } }),
      ...(index % 3 === 0 ? { __proto: { M: { a: { L: [{ N: '1' }, { S: '1' }] } } } } : {}),
      ...(index >= (count * 5) / FILES ? { late: { SS: ['b', 'a'] } } : {}),
    }),
  );
}

/** Lines that no table can hold, in two of the files. */
const POISON = ['{"Item":{"region":{"S":"a key is missing"}}}', '{"Item":{"pk":{"S":"a"},"pk":{"S":"b"}}}'] as const;
export const REASONS = ['key attribute "pk" is missing', expect.stringContaining('twice')];

/** The items with a line of poison in the second and the last file, behind a file without any. */
export function smallExport(world: World, items: readonly DdbItem[]): Promise<WrittenExport> {
  const size = Math.ceil(items.length / FILES);
  const files = Array.from({ length: FILES }, (_, file) => items.slice(file * size, (file + 1) * size).map(lineOf));
  files[1]?.splice(1, 0, POISON[0]);
  files.at(-1)?.push(POISON[1]);
  return world.export({ files, emptyFirst: true });
}

export function countsOf(items: readonly DdbItem[]): Partial<SyncReport['counts']> {
  return { read: items.length + POISON.length, written: items.length, rejected: POISON.length };
}

const lineOf = (item: DdbItem): string => `{"Item":${JSON.stringify(item)}}`;

/** Throws unless the table holds exactly the items, in files that are there with the size and rows that it states. */
export async function expectTable(world: World, target: string, items: readonly DdbItem[]): Promise<void> {
  expect(await world.items(target)).toEqual(canonical(items));
  const { state, files } = await world.table(target);
  expect(state?.rows).toBe(items.length);
  expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
  for (const file of files) expect((await stat(file.path)).size).toBe(file.sizeBytes);
  expect(files.reduce((rows, file) => rows + file.rows, 0)).toBe(items.length);
}

/** Throws unless a run finds all done: it says unchanged, and no file comes, goes or changes. */
export async function expectUnchanged(
  world: World,
  source: WrittenExport,
  target: string,
  options: LoadOptions,
): Promise<void> {
  const before = await snapshotOf(world, target);
  const report = await world.sync(source, target, options);
  expect(report.error).toBeUndefined();
  expect(report.outcome).toBe('unchanged');
  expect(await snapshotOf(world, target)).toEqual(before);
}

/** A reader that lists the folder of a Parquet table's generation sees its files and nothing else. */
export async function expectNoStrays(world: World, target: string): Promise<void> {
  const { state, files } = await world.table(target);
  if (state?.format !== 'parquet') return;
  const folder = `/${state.snapshot}/`;
  const seen = (await visibleData(world, target)).filter((path) => path.includes(folder));
  expect(seen).toEqual(files.map((file) => file.path).sort());
}

/** A living process may not fail; a dead one may fail with anything, and its report reaches nobody. */
export function mustNotFail(report: SyncReport): SyncReport {
  if (report.outcome === 'failed') throw new Error(`the run failed: ${JSON.stringify(report.error)}`);
  return report;
}

async function snapshotOf(world: World, target: string): Promise<string[]> {
  const files = await world.filesOf(target);
  const stats = await Promise.all(files.map((path) => stat(path)));
  return files.map((path, i) => `${path} ${stats[i]?.size} ${stats[i]?.mtimeMs}`);
}
