import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePartition, sync } from '../../src/index.ts';
import type { LoadMode, SyncOptions } from '../../src/model/options.ts';
import { findTable } from '../../src/pipeline/ends/open.ts';
import type { DdbItem } from '../data/ion.ts';
import { nastyItems } from '../data/nasty.ts';
import { freshFolder, quiet } from '../pipeline/harness.ts';
import { Shop } from '../pipeline/scan-harness.ts';
import { JAVA, PYTHON, REST_JARS, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startRestCatalog } from '../servers/rest-catalog.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { compareRows, type ReadTable } from './agree.ts';
import { type Reader, type ReadStore, readersOf, readTables } from './readers.ts';

// What each way to write makes of a table that is there, as readers of the field see it, value by value.

const POOL = nastyItems(61, 42, { noHuge: true });
const colored = (from: number, to: number, color: string): DdbItem[] =>
  POOL.slice(from, to).map((item) => ({ ...item, color: { S: color } }));
const BEFORE = [...colored(0, 15, 'red'), ...colored(15, 30, 'blue'), ...colored(30, 36, 'grey')];
/** Three stay, ten move to another partition, some are gone, some are new. */
const NOW = [...colored(0, 3, 'red'), ...colored(15, 25, 'red'), ...colored(36, 42, 'pink')];
const without = (items: readonly DdbItem[], gone: readonly DdbItem[]): DdbItem[] => {
  const keys = new Set(gone.map(({ pk }) => JSON.stringify(pk)));
  return items.filter(({ pk }) => !keys.has(JSON.stringify(pk)));
};
/** What is read in the second run, and the rows behind it. */
const MODES: Readonly<Record<LoadMode, readonly [read: readonly DdbItem[], rows: readonly DdbItem[]]>> = {
  mirror: [NOW, NOW],
  upsert: [NOW, [...without(BEFORE, NOW), ...NOW]],
  // Readers match rows by their keys: two of one key are tried elsewhere.
  append: [colored(36, 42, 'pink'), [...BEFORE, ...colored(36, 42, 'pink')]],
  'overwrite-partitions': [NOW, [...without(BEFORE.slice(15), NOW), ...NOW]],
  overwrite: [NOW, NOW],
};

/** Runs of each mode into `<root>-<mode>`; gives what readers must find. */
async function runModes(
  format: 'iceberg' | 'parquet',
  targetOf: (mode: string) => string,
  change: Partial<SyncOptions>,
  credentials: () => () => void = () => () => undefined,
): Promise<ReadTable[]> {
  const tables: ReadTable[] = [];
  await using shop = await Shop.open({ pageBytes: 50_000 }, format);
  const restore = credentials();
  for (const [mode, [read, items]] of Object.entries(MODES) as [LoadMode, (typeof MODES)[LoadMode]][]) {
    const target = targetOf(mode);
    const run = async (now: readonly DdbItem[], state: Partial<SyncOptions['state']>, more: object = {}) => {
      shop.table.items = now;
      shop.server.refresh();
      const options = shop.options({ segments: 2, commitEveryMs: 0 }, { ...change, ...more });
      const all = { ...options, state: { ...options.state, ...state } };
      const report = await sync('dynamodb:orders', target, all, quiet());
      expect(report.error, `${format}, ${mode}`).toBeUndefined();
      expect(report.applied, `${format}, ${mode}`).toBeGreaterThan(1);
      return { report, options };
    };
    await run(BEFORE, {}, { partition: parsePartition('color') });
    const { report, options } = await run(read, { mode, yes: true, maxDelete: { share: 1 } });
    const found = await findTable(target, options);
    if (found === undefined || 'kind' in found) throw new Error('no table');
    const { schema } = found.state;
    await found.target.close();
    tables.push({ name: `${format} ${mode}`, location: report.readPath ?? '', format, schema, items, merged: true });
  }
  restore();
  return tables;
}

/** What a reader finds that differs. */
async function faultsOf(reader: Reader, tables: readonly ReadTable[], store?: ReadStore): Promise<string[]> {
  const requests = tables.map(({ location, format }) => ({ location, format }));
  const read = await readTables(reader, requests, store);
  return tables.flatMap((table, i) => compareRows(reader, table, read[i] ?? []));
}

test('DuckDB and Spark see what each mode of a scan leaves', async () => {
  const dir = await freshFolder();
  const tables = await runModes('iceberg', (mode) => `iceberg:${join(dir, mode)}`, {});
  for (const reader of ['duckdb', 'spark'] as const)
    if (readersOf('iceberg').includes(reader)) expect(await faultsOf(reader, tables)).toEqual([]);
});

serverOrSkip('modes of a scan, on S3', [VERSITYGW, PYTHON], () => {
  test('PyIceberg and PyArrow see what each mode leaves', async () => {
    const server = await startVersitygw();
    try {
      const restore = useCredentials(server);
      await makeBucket(server, 'lake');
      restore();
      const store = { endpoint: server.endpoint, key: server.accessKey, secret: server.secretKey };
      const change = { targetAws: { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true } };
      for (const [format, reader] of [
        ['iceberg', 'pyiceberg'],
        ['parquet', 'pyarrow'],
      ] as const) {
        const tables = await runModes(
          format,
          (mode) => `${format}:s3://lake/${format}-${mode}`,
          change,
          () => useCredentials(server),
        );
        expect(await faultsOf(reader, tables, store)).toEqual([]);
      }
    } finally {
      await server.stop();
    }
  });
});

serverOrSkip('modes of a scan, in a REST catalog', [JAVA, REST_JARS, PYTHON], () => {
  test('PyIceberg and DuckDB see what each mode leaves', async () => {
    const server = await startRestCatalog();
    try {
      const lab = { type: 'rest', uri: server.uri, auth: { kind: 'none' }, credentials: 'vended' } as const;
      const change = { catalogs: { lab }, targetAws: { region: 'us-east-1' }, createNamespace: true };
      const name = (mode: string): string => `t_${mode.replaceAll('-', '_')}`;
      const tables = await runModes('iceberg', (mode) => `iceberg:lab.shop.${name(mode)}`, change);
      const located = await Promise.all(
        Object.keys(MODES).map(async (mode, i) => {
          const reply = await fetch(`${server.uri}/v1/namespaces/shop/tables/${name(mode)}`);
          const told = (await reply.json()) as { 'metadata-location': string };
          return { ...(tables[i] as ReadTable), location: told['metadata-location'] };
        }),
      );
      for (const reader of ['pyiceberg', 'duckdb'] as const) expect(await faultsOf(reader, located)).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
