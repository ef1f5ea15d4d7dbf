import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { progressText } from '../../src/cli/print/progress.ts';
import type { LoadOptions, LoadReport } from '../../src/model/load.ts';
import { onlyDocument, run } from './fake-world.ts';

const REPORT: LoadReport = {
  outcome: 'loaded',
  input: 'people.csv',
  target: 'dynamodb:people',
  format: 'csv',
  counts: { read: 1200, written: 1190, replaced: 7, rejected: 3, resumed: 500 },
  table: { name: 'people', key: ['id'], created: true },
  units: 2400,
  pace: 500,
  paceWhy: 'as asked',
  cost: { price: 1.5, currency: 'USD', why: 'on demand in us-east-1' },
  requests: { sent: 48, throttled: 2, retried: 1 },
  columns: { id: 'string', age: 'number' },
  bytes: { read: 2e6 },
  rejects: '/state/rejects.jsonl',
  timings: { totalMs: 4200 },
  peakMemoryBytes: 1e8,
  warnings: [{ code: 'items-rejected', text: '3 items' }],
};

test('load hands on its flags, and says what it did', async () => {
  const seen: unknown[] = [];
  const load = async (input: string, target: string, options: object): Promise<LoadReport> => {
    seen.push([input, target, options]);
    return REPORT;
  };
  const flags =
    '--format csv --items a.b --delimiter ; --columns id,x --types text --empty null --nulls drop --sets s,t --sets u --limit 9 --wcu 30% --create-table --key id --provisioned 1,2 --restart --header A:1 --header B:2 --next-path n --next-param c --page-start 0 --page-step 5 --max-pages 3 --max-page-size 1MB --http-retries 2 --http-timeout 5s --exclude e --dry-run';
  const words = [
    'load',
    'people.csv',
    'dynamodb:people',
    ...flags.split(' '),
    '--transform',
    'rename(a, b)',
    '--transform',
    'now(t)',
  ];
  const { code, out } = await run(words, { load });
  expect(code).toBe(0);
  expect(seen).toMatchObject([
    [
      'people.csv',
      'dynamodb:people',
      {
        format: 'csv',
        items: 'a.b',
        delimiter: ';',
        columns: ['id', 'x'],
        types: 'text',
        empty: 'null',
        nulls: 'drop',
        sets: ['s', 't', 'u'],
        transform: 'rename(a, b), now(t)',
        limit: 9,
        wcu: { kind: 'share', share: 0.3 },
        createTable: true,
        provisioned: '1,2',
        restart: true,
        dryRun: true,
        schema: { key: ['id'], exclude: ['e'] },
        http: {
          headers: ['A:1', 'B:2'],
          nextPath: 'n',
          nextParam: 'c',
          pageStart: 0,
          pageStep: 5,
          maxPages: 3,
          maxPageBytes: 1e6,
          retries: 2,
          timeoutMs: 5000,
        },
      },
    ],
  ]);
  expect(out.replaceAll(/ +/g, ' ')).toBe(`Loaded into dynamodb:people in 4.2 s
 items 1,200 read = 1,190 written + 7 replaced + 3 rejected; 500 by the interrupted run
 table people, key id, made by this load
 input csv, 2.00 MB
 columns id string, age number
 work 2,400 write units, at most 500 a second (as asked); 48 batch requests; 2 throttled; 1 repeated
 price 1.50 USD (on demand in us-east-1)
 rejects /state/rejects.jsonl
`);
});

test('a price that is not known is told once', async () => {
  const load = async (): Promise<LoadReport> => ({ ...REPORT, cost: { why: 'price unknown: the list has none' } });
  const { out } = await run(['load', 'x', 'dynamodb:people'], { load });
  expect(out.replaceAll(/ +/g, ' ')).toContain('\n price unknown: the list has none\n');
});

test('flags win over the environment, and the environment over the file', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'tailrace-load-keys-'));
  await writeFile(
    join(cwd, 'tailrace.yaml'),
    'load: {format: csv, wcu: 100, limit: 1, header: "A: $${MY_KEY}", pageParam: p}\n',
  );
  const seen: LoadOptions[] = [];
  const load = async (_: string, __: string, options: LoadOptions): Promise<LoadReport> => {
    seen.push(options);
    return { ...REPORT, rejects: '/s3cr3t-value' };
  };
  const env = { TAILRACE_LOAD_WCU: '200', TAILRACE_LOAD_LIMIT: '2', MY_KEY: 's3cr3t-value' };
  const { code, out } = await run(['load', 'x', 'dynamodb:people', '--limit', '3'], { load }, { env, cwd });
  expect(code).toBe(0);
  expect(seen).toMatchObject([
    {
      format: 'csv',
      wcu: { kind: 'units', units: 200 },
      limit: 3,
      http: { headers: ['A: ${MY_KEY}'], pageParam: 'p' },
    },
  ]);
  for (const [name, value] of [
    ['TAILRACE_LOAD_WCU', 'fast'],
    ['TAILRACE_LOAD_FORMT', 'csv'],
  ] as const) {
    const refused = await run(['load', 'x', 'dynamodb:people'], { load }, { env: { [name]: value }, cwd: '/' });
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(name)]);
  }
  expect(out).toContain('people');
});

test('a failure is in the one document and in the exit code; secrets of the address are in neither', async () => {
  const error = { code: 'UNREACHABLE', message: 'No answer from https://x/?key=s3cr3t-value.' } as const;
  const told = { input: 'https://me:my-password@x/', example: '{"Item":{"k":{"S":"s3cr3t-value"}}}' };
  const warnings = [{ code: 'items-rejected', text: 'https://x/?key=s3cr3t-value, 2: no key' }];
  const load = async (): Promise<LoadReport> => ({ ...REPORT, ...told, warnings, outcome: 'failed', error });
  const words = ['load', 'https://x/?key=${MY_KEY}', 'dynamodb:people', '--json'];
  const { code, out, err } = await run(words, { load }, { env: { MY_KEY: 's3cr3t-value' } });
  expect(code).toBe(6);
  expect(onlyDocument(out)).toMatchObject({ outcome: 'failed', error: { code: 'UNREACHABLE' } });
  expect(out + err).not.toMatch(/s3cr3t|my-password/);
});

test('progress: items, write units and the time that is left', () => {
  const files = { filesDone: 0, filesTotal: 0, itemsTotal: 0 };
  const state = { phase: 'load', ...files, itemsDone: 12_300, bytesDone: 1e6, bytesTotal: 3e6 } as const;
  expect(progressText({ ...state, write: { unitsPerSecond: 480.2, limit: 500 } }, 5e4)).toBe(
    'loading  12.3k items  480/500 WCU/s  0:40 left',
  );
  expect(
    progressText({ ...state, bytesTotal: 0, write: { unitsPerSecond: 9, limit: Number.POSITIVE_INFINITY } }, 5e4),
  ).toBe('loading  12.3k items  9 WCU/s');
});
