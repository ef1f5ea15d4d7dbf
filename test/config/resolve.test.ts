import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { parseConfigFile } from '../../src/config/file.ts';
import { environmentLayer, flagLayer } from '../../src/config/layers.ts';
import { resolveOptions } from '../../src/config/resolve.ts';
import { normalFilter, parsePartition, parseSince, parseSort } from '../../src/index.ts';
import { TailraceError } from '../../src/model/errors.ts';

const parsers = {
  parsePartition: (text: string) => {
    if (text.includes('(')) throw new TailraceError('USAGE', 'No such transform.', { hint: 'Use bucket.' });
    return [{ transform: 'identity', column: text } as const];
  },
  parseSort: (text: string) => [{ column: text, descending: false, nullsFirst: true }],
  normalFilter: (text: string) => text,
  parseSince: (text: string) => text,
};
const resolve = (...layers: Parameters<typeof resolveOptions>[0]) => resolveOptions(layers, parsers);

describe('options of a run', () => {
  test('have defaults', () => {
    expect(resolve()).toEqual({
      given: [],
      sourceAws: {},
      targetAws: {},
      schema: {
        key: [],
        timestamps: 'off',
        onMixed: 'rescue',
        numbers: 'exact',
        maxColumns: 500,
        maxDepth: 10,
        include: [],
        exclude: [],
        filter: '',
      },
      schemaFile: undefined,
      partition: [],
      sort: [],
      replace: false,
      strict: false,
      trustManifest: false,
      dryRun: false,
      mode: undefined,
      write: 'auto',
      onDrift: 'rewrite',
      rewriteLimitBytes: 10e9,
      createNamespace: false,
      location: undefined,
      partitionProjection: undefined,
      register: undefined,
      catalogs: {},
      acceptGap: false,
      adopt: false,
      fromTime: undefined,
      upkeep: true,
      rejects: undefined,
      memoryLimitBytes: 420e6,
      threads: Math.min(8, availableParallelism()),
      tempDir: undefined,
      tempBudgetBytes: 4e9,
      targetFileSizeBytes: 512e6,
      batchBytes: 256e6,
      scan: {
        rcu: undefined,
        consistent: false,
        segments: undefined,
        runId: undefined,
        newScan: false,
        commitEveryMs: 300_000,
      },
      state: { mode: undefined, maxDelete: { share: 0.1 }, yes: false, since: undefined, prices: undefined },
      sse: undefined,
    });
  });

  test('file < environment < flags', async () => {
    const file = await parseConfigFile('threads: 1\nmaxDepth: 1\nmaxColumns: 1\nstrict: true', 'f', '/', {});
    const env = environmentLayer({ TAILRACE_MAX_DEPTH: '2', TAILRACE_MAX_COLUMNS: '2' });
    const flags = flagLayer({ maxColumns: '3', strict: false });
    const options = resolve(file.layer, env, flags);
    expect([options.threads, options.schema.maxDepth, options.schema.maxColumns, options.strict]).toEqual([
      1,
      2,
      3,
      false,
    ]);
  });

  test("an end's own setting wins within a layer; a higher layer wins over both", () => {
    const low = environmentLayer({ TAILRACE_REGION: 'a', TAILRACE_SOURCE_REGION: 'b', TAILRACE_TARGET_ROLE_ARN: 'r' });
    expect(resolve(low).sourceAws).toEqual({ region: 'b' });
    expect(resolve(low).targetAws).toEqual({ region: 'a', roleArn: 'r' });
    expect(resolve(low, flagLayer({ region: 'c', endpointUrl: 'http://x', targetEndpoint: 'http://y' }))).toMatchObject(
      {
        sourceAws: { region: 'c', endpoint: 'http://x' },
        targetAws: { region: 'c', endpoint: 'http://y', roleArn: 'r' },
      },
    );
  });

  test('lists come from commas and from repeated flags', () => {
    expect(resolve(flagLayer({ include: ['a,b', 'c\\,d'] })).schema.include).toEqual(['a', 'b', 'c,d']);
    expect(resolve(flagLayer({ key: ['pk, sk'] })).schema.key).toEqual(['pk', 'sk']);
    expect(() => flagLayer({ include: ['a,,b'] })).toThrow(/--include cannot be/);
    expect(() => flagLayer({ exclude: ['a,a'] })).toThrow(/--exclude/);
  });

  test('what a table would keep can be taken back: by --no-…, and by false in the file', async () => {
    const text = 'schema: s.yaml\npartition: a\nsort: b\ninclude: [c]\nexclude: [d]';
    const file = await parseConfigFile(text, 'f', '/', {});
    const none = { schema: false, partition: false, sort: false, include: false, exclude: false };
    const parsed = { parsePartition, parseSort, normalFilter, parseSince };
    const settings = Object.keys(none).map((key) => `${key}: false`);
    const undone = await parseConfigFile(settings.join('\n'), 'conf/f', '/', {});
    for (const layer of [flagLayer(none), undone.layer]) {
      expect(resolveOptions([file.layer, layer], parsed)).toMatchObject({
        given: ['schema', 'include', 'exclude', 'partition', 'sort'],
        schemaFile: undefined,
        partition: [],
        sort: [],
        schema: { include: [], exclude: [] },
      });
    }
    expect(() => flagLayer({ key: false })).toThrow(/--key/);
  });

  test('partition and sort go through their own grammar, and errors name the place', () => {
    expect(resolve(flagLayer({ partition: ['a', 'b'], sort: ['c'] }))).toMatchObject({
      partition: [{ column: 'a, b' }],
      sort: [{ column: 'c' }],
    });
    expect(() => resolve(environmentLayer({ TAILRACE_PARTITION: 'x(y)' }))).toThrow(
      expect.objectContaining({ code: 'CONFIG', place: 'TAILRACE_PARTITION', hint: 'Use bucket.' }) as Error,
    );
  });

  test.each([
    [flagLayer({ filter: "color = 'a' && n > 1" }), '--filter, character 13'],
    [flagLayer({ filter: "name = '😀' and color === 1" }), '--filter, character 24'],
    [flagLayer({ filter: 'n >' }), '--filter, character 4'],
    [environmentLayer({ TAILRACE_FILTER: 'n = null' }), 'TAILRACE_FILTER, character 5'],
    [environmentLayer({ TAILRACE_PARTITION: 'day(at' }), 'TAILRACE_PARTITION, character 7'],
    [flagLayer({ sort: ['a upwards'] }), '--sort, character 3'],
  ])('errors in a text name the place in it, too: %#', (layer, place) => {
    const real = { parsePartition, parseSort, normalFilter, parseSince };
    expect(() => resolveOptions([layer], real)).toThrow(expect.objectContaining({ place }) as Error);
  });

  test.each([
    [{ sseKmsKeyId: 'k' }, '--sse-kms-key-id'],
    [{ threads: '2', memoryLimit: '167MB' }, '--memory-limit'],
    [{ threads: '9' }, '--threads'],
    [{ memoryLimit: '127999999' }, '--memory-limit'],
    [{ sseKmsKeyId: 'k', sse: 'AES256' }, '--sse-kms-key-id'],
    [{ key: ['a,b,c'] }, '--key'],
    [{ include: ['a'], exclude: ['a'] }, '--exclude'],
    [{ mode: 'history', deletes: 'soft' }, '--deletes'],
    [{ key: ['a'], exclude: ['a'] }, '--exclude'],
  ])('refuses %j', (flags, place) => {
    expect(() => resolve(flagLayer(flags))).toThrow(expect.objectContaining({ code: 'USAGE', place }) as Error);
  });

  test('mode and deletes are one property of a table', () => {
    const mode = (flags: Record<string, string>): unknown => resolve(flagLayer(flags)).mode;
    expect([
      mode({}),
      mode({ mode: 'mirror' }),
      mode({ deletes: 'hard' }),
      mode({ deletes: 'soft' }),
      mode({ mode: 'mirror', deletes: 'soft' }),
      mode({ mode: 'history' }),
      mode({ mode: 'history', deletes: 'hard' }),
    ]).toEqual([undefined, 'mirror', 'mirror', 'soft', 'soft', 'history', 'history']);
  });

  test('what merges do is set by flag, variable and file alike', async () => {
    const wanted = { write: 'copy-on-write', onDrift: 'fail', rewriteLimitBytes: 5e9, acceptGap: true, upkeep: false };
    const text = 'write: copy-on-write\nonDrift: fail\nrewriteLimit: 5GB\nacceptGap: true\nupkeep: false';
    const env = {
      TAILRACE_WRITE: 'copy-on-write',
      TAILRACE_ON_DRIFT: 'fail',
      TAILRACE_REWRITE_LIMIT: '5GB',
      TAILRACE_ACCEPT_GAP: 'true',
      TAILRACE_UPKEEP: 'false',
    };
    const flags = { write: 'copy-on-write', onDrift: 'fail', rewriteLimit: '5GB', acceptGap: true, upkeep: false };
    expect(resolve(environmentLayer(env))).toMatchObject(wanted);
    expect(resolve(flagLayer(flags))).toMatchObject(wanted);
    expect(resolve((await parseConfigFile(text, 'f', '/', {})).layer)).toMatchObject(wanted);
    expect(resolve(flagLayer({ rewriteLimit: '0' })).rewriteLimitBytes).toBe(0);
  });

  test('memory allows so many threads; by default there are no more', () => {
    const threads = (flags: Record<string, string>) => resolve(flagLayer(flags)).threads;
    expect(threads({ memoryLimit: '128MB' })).toBe(1);
    expect(threads({ memoryLimit: '167MB' })).toBe(1);
    expect(threads({ memoryLimit: '168MB', threads: '2' })).toBe(2);
    expect(threads({ memoryLimit: '64GB' })).toBe(Math.min(8, availableParallelism()));
    expect(() => resolve(flagLayer({ threads: '8', memoryLimit: '128MB' }))).toThrow(
      expect.objectContaining({
        message: '8 threads need 408 MB of memory, and the limit is 128 MB.',
        hint: 'Give --memory-limit at least that, or --threads at most 1.',
      }) as Error,
    );
  });

  test('a size with half a unit is told both whole ones', () => {
    expect(() => flagLayer({ tempBudget: '12m' })).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: 'Write 12MB (decimal) or 12MiB (binary).' }) as Error,
    );
  });

  test('encryption keeps its key', () => {
    expect(resolve(flagLayer({ sse: 'aws:kms', sseKmsKeyId: 'k' })).sse).toEqual({
      algorithm: 'aws:kms',
      kmsKeyId: 'k',
    });
    expect(resolve(flagLayer({ sse: 'AES256' })).sse).toEqual({ algorithm: 'AES256' });
  });
});

describe('the environment', () => {
  test('a variable that is nearly ours is refused, others are left alone', () => {
    expect(() => environmentLayer({ TAILRACE_MEMRY_LIMIT: '1GB' })).toThrow(
      expect.objectContaining({ code: 'CONFIG', hint: 'Did you mean TAILRACE_MEMORY_LIMIT?' }) as Error,
    );
    expect(
      environmentLayer({ TAILRACE_TEST_SERVER_PORT: '1', TAILRACE_CONFIG: 'x', TAILRACE_STRICT: '' }).values,
    ).toEqual({});
  });

  test('a wrong value is a CONFIG error, a wrong flag a USAGE error', () => {
    expect(() => environmentLayer({ TAILRACE_SSE: 'aes' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG',
        place: 'TAILRACE_SSE',
        expected: 'aws:kms or AES256',
      }) as Error,
    );
    expect(() => flagLayer({ numbers: 'exat' })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        place: '--numbers',
        hint: 'Did you mean exact?',
      }) as Error,
    );
  });
});
