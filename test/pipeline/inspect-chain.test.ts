import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inspectText } from '../../src/cli/print/inspect-text.ts';
import { styleFor } from '../../src/cli/print/style.ts';
import { defaultOptions } from '../../src/pipeline/ends/defaults.ts';
import { inspect } from '../../src/pipeline/inspect.ts';
import { writeChain } from '../data/chain-model.ts';
import { writeExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';

const context = { signal: new AbortController().signal, onProgress: () => {}, log: () => {} };
const style = styleFor({ isTerminal: false }, {});
const look = (end: string) => inspect(end, defaultOptions(), context);

test('a folder above many exports is told as chains, with what is missing; one export as itself', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'inspect-chain-'));
  const chain = await writeChain(dir, { seed: 1, keys: 5, windows: 3, writes: 4 });
  await writeExport(dir, { tableName: 'Other', tableId: 'other-id', exportTime: '2026-03-02T00:00:00Z' });
  await writeWindow(dir, { from: '2026-03-01T14:00:00Z', to: '2026-03-01T15:00:00Z' });
  const report = await look(dir);
  expect(report).toMatchObject({
    kind: 'chain',
    uri: dir,
    chains: [
      { tableName: 'Other', exports: [{ state: 'next', kind: 'full' }] },
      {
        tableName: 'Shop',
        exports: [
          { state: 'next', kind: 'full' },
          ...[1, 2, 3].map(() => ({ state: 'next', kind: 'window' })),
          { state: 'waiting', from: '2026-03-01T14:00:00Z' },
        ],
        gap: { from: '2026-03-01T12:44:00Z', to: '2026-03-01T14:00:00Z' },
        close: [expect.stringContaining('--s3-bucket BUCKET --export-type') as string],
        stops: { code: 'LEDGER_REFUSED' },
      },
    ],
    warnings: [],
  });
  expect(inspectText(report, style).replaceAll(dir, 'DIR')).toMatch(
    /6 exports of 2 tables[\s\S]*● 2026-03-01T12:00:00\.123Z {2}full export[\s\S]*│ 2026-03-01T11:59:00Z … 2026-03-01T12:14:00Z {2}window[\s\S]*✕ 2026-03-01T12:44:00Z … 2026-03-01T14:00:00Z {2}gap: no export covers it\n {2}○ 2026-03-01T14:00:00Z[\s\S]*to close the gap: aws dynamodb/,
  );
  const single = await look(chain.windows[0]?.exportDir ?? '');
  expect(single).toMatchObject({ kind: 'export', from: '2026-03-01T11:59:00Z', view: 'NEW_AND_OLD_IMAGES' });
  expect(single).not.toHaveProperty('exportTime');
  expect(inspectText(single, style)).toContain('an incremental export of table Shop');
});

test('the ledger of a table is drawn as a line of time', () => {
  const text = inspectText(
    {
      kind: 'table',
      format: 'iceberg',
      uri: '/t',
      readPath: '/t',
      rows: 5,
      files: { count: 1, bytes: 10 },
      key: [],
      schema: [],
      partition: [],
      sort: [],
      options: {},
      warnings: [],
      ledger: {
        tableArn: 'arn:t',
        tableId: 'id',
        watermark: '2026-03-01T15:00:00Z',
        commitId: 'c',
        mode: 'soft',
        stale: 0,
        entries: [
          { kind: 'full-export', exportArn: 'arn:f', exportTime: '2026-03-01T12:00:00.123Z', items: 5, rejected: 0 },
        ],
        covered: [
          { from: '2026-03-01T11:59:00Z', to: '2026-03-01T13:00:00Z', windows: 4 },
          { from: '2026-03-01T14:00:00Z', to: '2026-03-01T15:00:00Z', windows: 1 },
        ],
        gaps: [{ from: '2026-03-01T13:00:00Z', to: '2026-03-01T14:00:00Z' }],
      },
    },
    style,
  );
  const lines = text.split('\n').map((line) => line.trim());
  expect(lines.slice(lines.findIndex((line) => line.startsWith('●'))).slice(0, 5)).toEqual([
    '● full export, 2026-03-01T12:00:00.123Z',
    '│ 2026-03-01T11:59:00Z … 2026-03-01T13:00:00Z  4 windows',
    '╎ 2026-03-01T13:00:00Z … 2026-03-01T14:00:00Z  gap, accepted',
    '│ 2026-03-01T14:00:00Z … 2026-03-01T15:00:00Z  1 window',
    '▼ 2026-03-01T15:00:00Z',
  ]);
});

test('a table that only its catalog leads to is told as such, and not as an export that is missing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'inspect-catalog-'));
  await mkdir(join(dir, 'metadata'));
  await writeFile(join(dir, 'metadata', '00000-d155fc89-c57d-45eb-a3c4-ad126ca085e7.metadata.json'), '{}');
  const refusal = { code: 'TARGET_BAD', place: dir, hint: expect.stringContaining('iceberg:<catalog>') as string };
  await expect(look(dir)).rejects.toMatchObject(refusal);
});
