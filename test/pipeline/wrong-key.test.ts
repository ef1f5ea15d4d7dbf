import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePartition, sync } from '../../src/index.ts';
import { exportOf, load, optionsWith } from './harness.ts';

const context = { signal: new AbortController().signal, onProgress() {}, log() {} };

test('a key that no item has is a wrong key: nothing is committed', async () => {
  const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' } }, { pk: { S: 'b' } }]]);
  const options = { ...optionsWith({ schema: { key: ['id'] } as never }), rejects: join(dir, 'rejects') };
  const target = join(dir, 'table');
  expect(await sync(exportDir, target, options, context)).toMatchObject({
    outcome: 'failed',
    error: { code: 'USAGE' },
  });
  const report = await sync(exportDir, target, optionsWith({ schema: { key: ['pk'] } as never }), context);
  expect(report).toMatchObject({ outcome: 'committed', counts: { written: 2 } });
});

test('a file where the rejects are to lie is named: nothing is committed', async () => {
  const { exportDir, dir } = await exportOf([[{ pk: { S: 'a' } }]]);
  const file = join(dir, 'rejects');
  await writeFile(file, '');
  expect(await sync(exportDir, join(dir, 'table'), { ...optionsWith({}), rejects: file }, context)).toMatchObject({
    outcome: 'failed',
    error: { code: 'ACCESS_DENIED', place: expect.stringContaining(file) as string },
  });
});

test('a thousand partitions go in several passes where memory is short, each item once', async () => {
  const items = Array.from({ length: 1_000 }, (_, i) => ({
    pk: { S: `k${i}` },
    ...Object.fromEntries(Array.from({ length: 20 }, (_, j) => [`a${j}`, { S: `v${i}` }])),
  }));
  const { exportDir, dir } = await exportOf([items]);
  const options = { ...optionsWith({ partition: parsePartition('pk') }), memoryLimitBytes: 200e6 };
  const report = await load(exportDir, join(dir, 'table'), options);
  expect(report.files.written).toBe(1_000);
  expect(report.counts).toMatchObject({ read: 1_000, written: 1_000, rejected: 0 });
}, 60_000);
