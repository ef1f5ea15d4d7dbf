import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DemoVerbs, runDemo } from '../../src/demo/demo.ts';
import { freshDemoFolder } from '../../src/demo/folder.ts';
import { sameItem } from '../../src/demo/same-item.ts';
import type { RunContext, SyncOptions } from '../../src/model/options.ts';
import type { DemoStep, SyncReport } from '../../src/model/report.ts';
import { readExport } from './read-export.ts';

/** The demo passes options through and reads only `schema` of them. */
const options = { schema: { key: [] } } as unknown as SyncOptions;
const context: RunContext = { signal: new AbortController().signal, onProgress: () => undefined, log: () => undefined };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailrace-demo-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the steps of the demo', () => {
  test('its queries run on the data that it writes, and it ends with how others open the table', async () => {
    const steps = await collect(runDemo(join(dir, 'demo'), await verbsOverExports(), options, context));
    expect(steps.map((step) => step.title)).toHaveLength(8);
    const text = steps.map((step) => step.text).join('\n');
    expect(text).toMatch(/2025-01 +\d+ +\d+ +\d+\.\d\d/);
    expect(text).toMatch(/DE +\d+ +3 /);
    expect(text).toContain('12345678901234567890.123456789012345678');
    expect(text).toContain('unchanged: the table already holds this export');
    expect(text).toContain('v10.metadata.json');
    expect(text).not.toContain('v9.metadata.json');
  });

  test('a failed load ends it with the error of the report', async () => {
    const verbs = await verbsOverExports();
    const failing: DemoVerbs = {
      ...verbs,
      sync: async (...given) => ({
        ...(await verbs.sync(...given)),
        outcome: 'failed',
        error: { code: 'DISK_FULL', message: 'Full.' },
      }),
    };
    await expect(collect(runDemo(join(dir, 'demo'), failing, options, context))).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
  });

  test('an item that comes back changed is an error, not a demo', async () => {
    const verbs = await verbsOverExports();
    const lossy: DemoVerbs = {
      ...verbs,
      async *cat(...given) {
        for await (const line of verbs.cat(...given)) yield line.replace('45678"', '45679"');
      },
    };
    await expect(collect(runDemo(join(dir, 'demo'), lossy, options, context))).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

describe("the demo's folder", () => {
  test('of somebody else is refused and stays as it is', async () => {
    await writeFile(join(dir, 'thesis.txt'), 'mine');
    await mkdir(join(dir, 'tables'));
    await expect(freshDemoFolder(dir)).rejects.toMatchObject({ code: 'USAGE', place: dir });
    expect((await readdir(dir)).sort()).toEqual(['tables', 'thesis.txt']);
  });

  test('of an earlier demo loses exports and tables, and nothing else', async () => {
    await freshDemoFolder(dir);
    await mkdir(join(dir, 'tables/orders'), { recursive: true });
    await writeFile(join(dir, 'notes.txt'), 'mine');
    await freshDemoFolder(dir);
    expect((await readdir(dir)).sort()).toEqual(['.tailrace-demo', 'notes.txt']);
    expect(await readFile(join(dir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('that is a file is refused', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(freshDemoFolder(join(dir, 'file'))).rejects.toMatchObject({ code: 'USAGE' });
  });
});

test('sets compare without order, lists with it', () => {
  expect(sameItem({ a: { SS: ['x', 'y'] }, b: { N: '1' } }, { b: { N: '1' }, a: { SS: ['y', 'x'] } })).toBe(true);
  expect(sameItem({ a: { L: [{ S: 'x' }, { S: 'y' }] } }, { a: { L: [{ S: 'y' }, { S: 'x' }] } })).toBe(false);
  expect(sameItem({ a: { S: '' } }, {})).toBe(false);
});

/** Verbs that answer from the exports themselves: what is tried here is the demo, not the pipeline. */
async function verbsOverExports(): Promise<DemoVerbs> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const sources = new Map<string, string>();
  return {
    async sync(source, target) {
      const outcome = sources.has(target) ? 'unchanged' : 'committed';
      sources.set(target, source);
      await mkdir(join(target, 'metadata'), { recursive: true });
      for (const version of [9, 10]) await writeFile(join(target, `metadata/v${version}.metadata.json`), '{}');
      return report(outcome);
    },
    async query(target, sql) {
      const instance = await DuckDBInstance.create();
      const connection = await instance.connect();
      const files = join(sources.get(target) ?? '', 'AWSDynamoDB/*/data/*.json.gz');
      await connection.run(
        `CREATE VIEW t AS ${target.endsWith('orders') ? ORDERS : CUSTOMERS} FROM read_json('${files}', columns = {Item: 'JSON'})`,
      );
      const reader = await connection.runAndReadAll(sql);
      const names = reader.columnNames();
      async function* rows(): AsyncIterable<readonly unknown[]> {
        yield* reader.getRows();
      }
      return {
        columns: names.map((name) => ({ name, type: '' })),
        rows: rows(),
        close: async () => connection.closeSync(),
      };
    },
    async *cat(target) {
      const { lines } = await readExport(sources.get(target) ?? '');
      for (const line of lines) yield `${line}\n`;
    },
    async showSchema(target) {
      const columns = [
        { name: 'vat_id', attribute: 'vat_id', type: 'string', id: 1, reason: 'mostly text', counts: {} },
      ];
      return { end: target, columns, key: [], items: 1, warnings: [], yaml: '', flat: '', hiveDdl: '' };
    },
  };
}

const ORDERS = `SELECT Item->>'$.placed_at.S' AS placed_at, Item->>'$.order_id.S' AS order_id,
  Item->>'$.status.S' AS status, list_transform(from_json(Item->'$.lines.L', '["JSON"]'),
    lambda l: {'qty': (l->>'$.M.qty.N')::BIGINT, 'price': (l->>'$.M.price.N')::DECIMAL(18, 4)}) AS lines`;
const CUSTOMERS = `SELECT Item->>'$.country.S' AS country, {'city': Item->>'$.address.M.city.S'} AS address,
  (Item->>'$.loyalty_points.N')::BIGINT AS loyalty_points,
  from_json(Item->'$.interests.SS', '["VARCHAR"]') AS interests`;

function report(outcome: SyncReport['outcome']): SyncReport {
  return {
    outcome,
    source: '',
    target: '',
    counts: { read: 1, written: 1, deleted: 0, unchanged: 0, filtered: 0, rejected: 0, rescued: 0 },
    schema: [],
    key: [],
    applied: 0,
    timings: { totalMs: 1, learnMs: 0, loadMs: 0, mergeMs: 0, commitMs: 0, upkeepMs: 0 },
    bytes: { read: 0, written: 0 },
    files: { read: 0, written: 0, resumed: 0 },
    peakMemoryBytes: 0,
    warnings: [],
  };
}

async function collect(steps: AsyncIterable<DemoStep>): Promise<readonly DemoStep[]> {
  const all: DemoStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}
