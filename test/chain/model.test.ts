/** Chains of exports against the model that they came from: the table ends in the model's state, whatever the run did. */
import { describe, expect, test } from 'vitest';
import { type ChainOptions, type TableContent, writeChain } from '../data/chain-model.ts';
import { canonical, FORMATS, type LoadOptions, World } from '../faults/load.ts';

const items = (state: TableContent | undefined): string[] => canonical([...(state?.values() ?? [])]);

const SMALL: ChainOptions = { seed: 1, keys: 80, windows: 6, writes: 60 };

describe.each(FORMATS)('%s', (format) => {
  test('a folder with a full export and windows ends in the newest state; a second run changes nothing', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, SMALL);
    const target = world.target(format);
    const report = await world.load(chain.dir, target);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    const { counts } = report;
    expect(counts.read).toBe(counts.written + counts.deleted + counts.unchanged + counts.filtered + counts.rejected);
    expect((await world.sync(chain.dir, target)).outcome).toBe('unchanged');
    expect(await world.leftovers()).toEqual([]);
  });

  test.each<readonly [string, Partial<ChainOptions>, LoadOptions]>([
    ['numbers as keys', { keyType: 'N' }, {}],
    ['binary keys', { keyType: 'B' }, {}],
    ['new images only', { view: 'NEW_IMAGE' }, {}],
    ['Ion', { format: 'ION' }, {}],
    ['no baseline', { noBaseline: true }, {}],
    ['small batches', { filesCount: 5 }, { batchBytes: 1 }],
    ['always copied', {}, { write: 'copy-on-write' }],
    ['never copied', {}, { write: 'merge-on-read' }],
    ['partitions by the key', {}, { partition: [{ transform: 'bucket', width: 4, column: 'pk' }] }],
    ['partitions that rows move between', {}, { partition: [{ transform: 'identity', column: 'note' }] }],
    ['a sort order', {}, { sort: [{ column: 'pk', descending: false, nullsFirst: true }] }],
    ['numbers that outgrow their column, rescued', {}, { onDrift: 'rescue' }],
    ['a key that nobody named', {}, { key: [] }],
    ['nasty items', { nasty: true, writes: 30, windows: 4 }, {}],
    ['nasty items with number keys, new images only', { nasty: true, keyType: 'N', view: 'NEW_IMAGE', windows: 4 }, {}],
    ['nasty items in Ion', { format: 'ION', nasty: true, windows: 3 }, {}],
  ])('%s', async (_name, chainOptions, loadOptions) => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, ...chainOptions, seed: 11 });
    const target = world.target(format);
    const report = await world.load(chain.dir, target, loadOptions);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    const { counts } = report;
    expect(counts.read).toBe(counts.written + counts.deleted + counts.unchanged + counts.filtered + counts.rejected);
    expect((await world.sync(chain.dir, target, loadOptions)).outcome).toBe('unchanged');
  });

  test('soft deletes keep deleted rows, marked, and cat leaves them out', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, seed: 5 });
    const target = world.target(format);
    await world.load(chain.dir, target, { mode: 'soft' });
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
    const everSeen = new Set(chain.states.flatMap((state) => [...state.keys()]));
    const rows = await world.query(target, 'select count(*), count(*) filter (_deleted) from t');
    expect(rows).toEqual([[everSeen.size, everSeen.size - (chain.states.at(-1)?.size ?? 0)].map(String)]);
  });

  test('a history has a row for each change, with operation, times, images and source', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, seed: 6 });
    const target = world.target(format);
    await world.load(chain.dir, target, { mode: 'history' });
    const changes = chain.changes.flat();
    const rows = await world.query(
      target,
      'select _operation, count(*), count(_old_image), count(distinct _source) from t group by 1 order by 1',
    );
    const of = (pick: (change: (typeof changes)[number]) => boolean): number => changes.filter(pick).length;
    const sources = (pick: (change: (typeof changes)[number]) => boolean): number =>
      chain.changes.filter((list) => list.some(pick)).length;
    const isDelete = (change: (typeof changes)[number]): boolean => change.new === undefined;
    const isInsert = (change: (typeof changes)[number]): boolean => change.old === undefined;
    const isUpdate = (change: (typeof changes)[number]): boolean => !isDelete(change) && !isInsert(change);
    expect(rows).toEqual(
      [
        ['baseline', chain.states[0]?.size ?? 0, 0, 1],
        ['delete', of(isDelete), of(isDelete), sources(isDelete)],
        ['insert', of(isInsert), 0, sources(isInsert)],
        ['update', of(isUpdate), of(isUpdate), sources(isUpdate)],
      ].map((row) => row.map(String)),
    );
    expect((await world.sync(chain.dir, target, { mode: 'history' })).outcome).toBe('unchanged');
  });

  test('fault 48: shuffled arrival: what links is applied, the rest waits, and exports that are offered again change nothing', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, seed: 9 });
    const target = world.target(format);
    await world.load(chain.full?.exportDir ?? '', target);
    const late = await world.sync(chain.windows[2]?.exportDir ?? '', target);
    expect(late).toMatchObject({ outcome: 'failed', error: { code: 'LEDGER_REFUSED' } });
    expect(await world.items(target)).toEqual(items(chain.states[0]));
    for (const index of [0, 0, 1, 0, 2, 1, 3, 4, 2, 5]) await world.sync(chain.windows[index]?.exportDir ?? '', target);
    expect(await world.items(target)).toEqual(items(chain.states.at(-1)));
  });

  test('window by window, the table is each state in turn', async () => {
    await using world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { ...SMALL, seed: 2 });
    const target = world.target(format);
    for (const [index, one] of [chain.full, ...chain.windows].entries()) {
      await world.load(one?.exportDir ?? '', target);
      expect(await world.items(target)).toEqual(items(chain.states[index]));
    }
  });
});
