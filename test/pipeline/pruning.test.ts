import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parsePartition } from '../../src/index.ts';
import type { PartitionField } from '../../src/model/table.ts';
import { openTarget } from '../../src/pipeline/ends/open.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { canonical, FORMATS, World } from '../faults/load.ts';

// Files that cannot hold a changed key are left out of the match: never one that can.

const AT = Date.parse('2026-03-01T12:00:00Z');
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const item = (pk: string, text: string): DdbItem => ({ pk: { N: pk }, text: { S: text } });

/** Items with the keys 0 to 39, then a window of these puts and deletes; and what must be there behind it. */
async function exportsOf(dir: string, puts: readonly string[], deletes: readonly string[]) {
  const items = Array.from({ length: 40 }, (_, i) => item(String(i), 'old'));
  const full = await writeExport(dir, { items, exportTime: iso(AT) });
  const at = BigInt(AT) * 1000n;
  const changes = [
    ...puts.map((pk) => ({ at, keys: { pk: { N: pk } }, new: item(pk, 'new') })),
    ...deletes.map((pk) => ({ at, keys: { pk: { N: pk } } })),
  ];
  const window = await writeWindow(dir, { changes, from: iso(AT - 60_000), to: iso(AT + 840_000) });
  const gone = new Set([...puts, ...deletes]);
  const kept = items.filter(({ pk }) => !gone.has(pk?.['N'] as string));
  return { full, window, expected: canonical([...kept, ...puts.map((pk) => item(pk, 'new'))]) };
}

describe.each(FORMATS)('by partition, on %s', (format) => {
  test.each(['bucket(4, pk)', 'truncate(10, pk)', 'pk'])(
    'a key column that a window makes wider is looked for in the partitions of its former type: %s',
    async (partition) => {
      await using world = await World.open();
      const dir = `${world.dir}/source`;
      const { expected } = await exportsOf(dir, ['7', '1.5', '39'], ['8', '21']);
      const target = world.target(format);
      await world.load(dir, target, { partition: parsePartition(partition) });
      expect(await world.items(target)).toEqual(expected);
    },
  );
});

test.each(['2.5', `1${'0'.repeat(60)}`])(
  'by bounds: a key column that the key %s changes to another type',
  async (key) => {
    await using world = await World.open();
    const { expected } = await exportsOf(`${world.dir}/source`, ['7', key, '39'], ['8', '21']);
    await world.load(`${world.dir}/source`, world.target('iceberg'));
    expect(await world.items(world.target('iceberg'))).toEqual(expected);
  },
);

test('files of a former partition spec are found, whatever the present one says of their keys', async () => {
  await using world = await World.open();
  const target = world.target('iceberg');
  const dir = `${world.dir}/source`;
  const { full, window, expected } = await exportsOf(dir, ['7', '11', '39'], ['8', '21']);
  await world.load(full, target, { partition: parsePartition('bucket(4, pk)') });
  await partitionAnew(world, target, [{ column: 'pk', transform: 'bucket', width: 16, name: 'pk_bucket_16' }]);
  await world.load(window, target);
  expect(await world.items(target)).toEqual(expected);
});

/** What ALTER TABLE … REPLACE PARTITION FIELD does. */
async function partitionAnew(world: World, target: string, partition: readonly PartitionField[]): Promise<void> {
  const { table, storage } = await openTarget(target, world.options());
  const state = await table.load();
  if (state?.ledger === undefined) throw new Error('no table');
  const { schema, sort, ledger } = state;
  const common = { schema, partition, sort, ledger, commitId: randomUUID(), timestampMs: Date.now(), files: [] };
  expect((await table.commit({ operation: 'merge', ...common }, state)).kind).toBe('committed');
  await storage.close();
}
