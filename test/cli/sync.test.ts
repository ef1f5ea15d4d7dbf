import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode, TailraceError } from '../../src/model/errors.ts';
import type { SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import { committed, fakeSink, onlyDocument, run } from './fake-world.ts';

const failed = (code: ErrorCode): SyncReport => ({
  ...committed,
  outcome: 'failed',
  error: { code, message: 'It failed.', hint: 'Do this.' },
});

describe('sync', () => {
  test('passes ends and options on, and prints the report', async () => {
    let seen: { source: string; target: string; options: SyncOptions } | undefined;
    const { code, out, err } = await run(
      [
        'sync',
        './export',
        './lake/orders',
        '--key',
        'pk,sk',
        '--partition',
        'region',
        '--replace',
        '--region',
        'eu-west-1',
        '--source-profile',
        'p',
      ],
      {
        sync: async (source, target, options) => {
          seen = { source, target, options };
          return committed;
        },
      },
    );
    expect([code, err]).toEqual([0, '']);
    expect(seen).toMatchObject({
      source: './export',
      target: './lake/orders',
      options: {
        schema: { key: ['pk', 'sk'] },
        partition: [{ column: 'region' }],
        replace: true,
        dryRun: false,
        sourceAws: { region: 'eu-west-1', profile: 'p' },
        targetAws: { region: 'eu-west-1' },
      },
    });
    expect(out).toContain('Committed to ./lake/orders (snapshot 8012345678901234567) in 3.2 s');
  });

  test('--no-partition and the like are given options without a value', async () => {
    let seen: SyncOptions | undefined;
    const sync = async (_source: string, _target: string, options: SyncOptions) => {
      seen = options;
      return committed;
    };
    await run(['sync', 'a', 'b', '--no-partition', '--no-exclude', '--no-schema'], { sync });
    expect(seen).toMatchObject({ given: ['schema', 'exclude', 'partition'], schemaFile: undefined });
    await run(['sync', 'a', 'b'], { sync });
    expect(seen?.given).toEqual([]);
  });

  test('--json prints the report, and nothing else', async () => {
    const { out } = await run(['sync', 'a', 'b', '--json'], { sync: async () => committed });
    expect(onlyDocument(out)).toEqual(committed);
  });

  test('plan is sync --dry-run', async () => {
    const runs: boolean[] = [];
    const sync = async (_source: string, _target: string, options: SyncOptions): Promise<SyncReport> => {
      runs.push(options.dryRun);
      return { ...committed, outcome: 'planned' };
    };
    const plan = await run(['plan', 'a', 'b'], { sync });
    const dry = await run(['sync', 'a', 'b', '--dry-run'], { sync });
    expect(runs).toEqual([true, true]);
    expect(plan.out).toBe(dry.out);
    expect(plan.out).toContain('nothing was written');
  });

  test.each(Object.keys(ERROR_CODES) as ErrorCode[])('a run that failed with %s exits by the table', async (code) => {
    const ran = await run(['sync', 'a', 'b', '--json'], { sync: async () => failed(code) });
    expect(ran.code).toBe(ERROR_CODES[code].exit);
    expect(onlyDocument(ran.out)).toMatchObject({ outcome: 'failed', error: { code, message: 'It failed.' } });
    expect(ran.err).toBe(`error ${code}: It failed.\n  try       Do this.\n`);
  });

  test('even what the library throws becomes a report', async () => {
    const ran = await run(['sync', 'a', 'b', '--json'], {
      sync: async () => {
        throw new TypeError('boom');
      },
    });
    expect(ran.code).toBe(1);
    expect(onlyDocument(ran.out)).toMatchObject({
      outcome: 'failed',
      source: 'a',
      counts: { read: 0 },
      error: { code: 'INTERNAL', message: 'boom' },
    });
    expect(ran.err).not.toContain('    at ');
  });

  test('stacks, with causes, only for --log-level debug', async () => {
    const sync = async (): Promise<SyncReport> => {
      throw new TailraceError('ENGINE', 'x', { cause: new Error('deeper') });
    };
    expect((await run(['sync', 'a', 'b'], { sync })).err).not.toContain('deeper');
    const debug = await run(['sync', 'a', 'b', '--log-level', 'debug'], { sync });
    expect(debug.err).toContain('    at ');
    expect(debug.err).toContain('caused by Error: deeper');
  });

  test('an interruption exits 130 and says that the table is as it was', async () => {
    const controller = new AbortController();
    const sync = async (): Promise<SyncReport> => {
      controller.abort();
      throw new DOMException('aborted', 'AbortError');
    };
    const ran = await run(['sync', 'a', 'b', '--json'], { sync }, { signal: controller.signal });
    expect(ran.code).toBe(130);
    expect(onlyDocument(ran.out)).toMatchObject({ error: { code: 'INTERRUPTED' } });
    expect(ran.err).toContain('the table is as it was');
  });

  test('secrets in an error are taken out', async () => {
    const env = { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENG' };
    const report = {
      ...failed('ACCESS_DENIED'),
      error: { code: 'ACCESS_DENIED' as const, message: 'key wJalrXUtnFEMIK7MDENG of AKIAABCDEFGHIJKLMNOP' },
    };
    const ran = await run(['sync', 'a', 'b', '--json'], { sync: async () => report }, { env });
    expect(ran.out + ran.err).not.toMatch(/wJalr|GHIJKLMNOP/);
  });
});

describe('the pipelines of tailrace.yaml', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tailrace-cli-'));
  writeFileSync(
    path.join(folder, 'tailrace.yaml'),
    `
maxDepth: 5
tables:
  orders: {source: ./o, target: ./lake/o, key: [pk]}
  customers: {source: ./c, target: ./lake/c, maxDepth: 6}
`,
  );
  const runs: unknown[] = [];
  const sync = async (source: string, target: string, options: SyncOptions): Promise<SyncReport> => {
    runs.push([source, target, options.schema.key, options.schema.maxDepth]);
    return source === './o' ? failed('DATA_CHECKSUM') : committed;
  };

  test('all run, and one that fails does not stop the others', async () => {
    runs.length = 0;
    const ran = await run(['sync', '--json'], { sync }, { cwd: folder });
    expect(runs).toEqual([
      ['./o', './lake/o', ['pk'], 5],
      ['./c', './lake/c', [], 6],
    ]);
    expect(ran.code).toBe(3);
    expect(onlyDocument(ran.out)).toMatchObject({
      outcome: 'failed',
      tables: [
        { table: 'orders', outcome: 'failed' },
        { table: 'customers', outcome: 'committed' },
      ],
    });
  });

  test('--table chooses', async () => {
    runs.length = 0;
    const ran = await run(['sync', '--table', 'customers'], { sync }, { cwd: folder });
    expect(runs).toHaveLength(1);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('[customers] Committed');
    const unknown = await run(['sync', '--table', 'customer'], { sync }, { cwd: folder });
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('Did you mean customers?');
  });

  test('a run between ends that are named takes the settings at the top, and flags win', async () => {
    runs.length = 0;
    await run(['sync', 'a', 'b'], { sync }, { cwd: folder });
    await run(['sync', 'a', 'b', '--max-depth', '7'], { sync }, { cwd: folder });
    expect(runs).toEqual([
      ['a', 'b', [], 5],
      ['a', 'b', [], 7],
    ]);
  });

  test('without a file there is nothing to run', async () => {
    const ran = await run(['sync'], { sync }, { cwd: '/' });
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('tailrace.yaml does not exist');
  });

  test('json: true of the file counts', async () => {
    const other = mkdtempSync(path.join(tmpdir(), 'tailrace-cli-'));
    writeFileSync(path.join(other, 'tailrace.yaml'), 'json: true\n');
    expect(
      onlyDocument((await run(['sync', 'a', 'b'], { sync: async () => committed }, { cwd: other })).out)['outcome'],
    ).toBe('committed');
    expect((await run(['sync', 'a', 'b', '--no-json'], { sync: async () => committed }, { cwd: other })).out).toContain(
      'Committed',
    );
  });
});

describe('on a terminal', () => {
  test('the progress line is gone before the report', async () => {
    const stderr = fakeSink({ isTerminal: true });
    await run(
      ['sync', 'a', 'b'],
      {
        sync: async (_source, _target, _options, context) => {
          context.onProgress({
            phase: 'load',
            filesDone: 1,
            filesTotal: 2,
            itemsDone: 5,
            itemsTotal: 10,
            bytesDone: 1,
            bytesTotal: 2,
          });
          context.log('warn', 'careful', { secretAccessKey: 'x' });
          return committed;
        },
      },
      { stderr },
    );
    expect(stderr.writes[0]).toContain('1/2 files');
    expect(stderr.writes[1]).toMatch(/^\r\u001b\[K.*careful.*\[redacted\].*\n.*1\/2 files/s);
    expect(stderr.writes.at(-1)).toBe('\r\u001b[K');
  });

  test('colours only there, and not with NO_COLOR', async () => {
    const sync = async (): Promise<SyncReport> => committed;
    const colours = async (isTerminal: boolean, env: Record<string, string>): Promise<boolean> => {
      const stdout = fakeSink({ isTerminal });
      await run(['sync', 'a', 'b'], { sync }, { stdout, env });
      return stdout.text.includes('\u001b[');
    };
    expect(await colours(true, {})).toBe(true);
    expect(await colours(true, { NO_COLOR: '1' })).toBe(false);
    expect(await colours(false, {})).toBe(false);
  });
});
