import { describe, expect, test } from 'vitest';
import type { Progress } from '../../src/model/options.ts';
import type { Storage } from '../../src/storage/port.ts';
import { Laboratory } from '../crash/faulty-storage.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, FORMATS, type LoadOptions, World } from '../faults/load.ts';

// Ctrl-C in each phase: the run says so, the table is as it was, nothing is left behind, and a second run completes.

const OLD: readonly DdbItem[] = [{ pk: { S: 'old' } }];
const ITEMS: readonly DdbItem[] = Array.from({ length: 3000 }, (_, index) => ({
  pk: { S: `${index}` },
  n: { N: `${index}` },
  text: { S: 'x'.repeat(index % 50) },
}));

type Abort = (stop: AbortController) => Pick<LoadOptions, 'wrap' | 'onProgress'>;

/** Aborts when the run first reports this. */
const onProgress =
  (fits: (progress: Progress) => boolean): Abort =>
  (stop) => ({
    onProgress: (progress) => {
      if (fits(progress)) stop.abort();
    },
  });

/** Aborts right before, or while, the run calls the target so. */
const onCall =
  (operation: keyof Storage, uri: RegExp): Abort =>
  (stop) => ({
    wrap: (storage, end) =>
      end === 'source'
        ? storage
        : new Proxy(storage, {
            get(inner, name) {
              const method: unknown = Reflect.get(inner, name);
              if (typeof method !== 'function') return method;
              return (...args: unknown[]): unknown => {
                if (name === operation && uri.test(String(args[0]))) stop.abort();
                return Reflect.apply(method, inner, args);
              };
            },
          }),
  });

const PHASES: readonly (readonly [name: string, abort: Abort])[] = [
  [
    'before it begins',
    (stop) => {
      stop.abort();
      return {};
    },
  ],
  ['while it learns the schema', onProgress(({ phase }) => phase === 'learn')],
  ['while it reads the first bytes', onProgress(({ phase, bytesDone }) => phase === 'load' && bytesDone > 0)],
  ['between two batches', onProgress(({ itemsDone }) => itemsDone >= 1000)],
  ['while it stores a data file', onCall('adopt', /parquet$/)],
  ['while it writes its journal', onCall('put', /batch-2\.json$/)],
];

describe.each(FORMATS)('to %s', (format) => {
  test.each(PHASES)('fault 23: Ctrl-C %s', async (_name, abort) => {
    await using world = await World.open();
    const old = await world.export({ items: OLD, exportTime: '2026-02-01T00:00:00Z' }, 'old');
    const source = await world.export({ items: ITEMS, filesCount: 4 });
    const target = world.target(format);
    await world.load(old, target);
    const stop = new AbortController();
    const options = { batchBytes: 1, replace: true };
    const report = await world.sync(source, target, { ...options, ...abort(stop), signal: stop.signal });
    expect(report.outcome).toBe('failed');
    expect(report.error).toMatchObject({ code: 'INTERRUPTED', hint: expect.stringContaining('again') });
    expect(await world.items(target)).toEqual(canonical(OLD));
    expect(await world.leftovers()).toEqual([]);
    await world.load(source, target, options);
    expect(await world.items(target)).toEqual(canonical(ITEMS));
  });

  test('fault 23: Ctrl-C while it commits: old or new, never a mix, and the report tells which', async () => {
    await using world = await World.open();
    const source = await world.export({ items: ITEMS, filesCount: 4 });
    const target = world.target(format);
    const stop = new AbortController();
    const abort = onCall('putIf', /metadata\.json$|_tailrace\.json$/)(stop);
    const report = await world.sync(source, target, { ...abort, signal: stop.signal });
    const { state } = await world.table(target);
    expect(state !== undefined).toBe(report.outcome === 'committed');
    if (state === undefined) await world.load(source, target);
    expect(await world.items(target)).toEqual(canonical(ITEMS));
    expect(await world.leftovers()).toEqual([]);
  });

  test('faults 1 and 23: Ctrl-C while the reply to the commit is lost is told as unknown, not as undone', async () => {
    await using world = await World.open();
    const source = await world.export({ items: ITEMS, filesCount: 4 });
    const target = world.target(format);
    const stop = new AbortController();
    const lab = new Laboratory(({ operation, uri }) => {
      if (operation !== 'putIf' || !/metadata\.json$|_tailrace\.json$/.test(uri)) return undefined;
      stop.abort();
      return { kind: 'lose request' };
    });
    const report = await world.sync(source, target, {
      signal: stop.signal,
      wrap: (storage, end) => (end === 'target' ? lab.wrap(storage) : storage),
    });
    expect(report.error?.code).toBe('COMMIT_UNKNOWN');
    await world.load(source, target);
    expect(await world.items(target)).toEqual(canonical(ITEMS));
  });
});
