import { describe, expect, test } from 'vitest';
import { committed, onlyDocument, run } from './fake-world.ts';

describe('wrong usage', () => {
  test.each([
    [
      ['snc', 'a', 'b'],
      'Did you mean sync?',
      'one of sync, plan, schema, query, cat, inspect, load, doctor, maintain, demo',
    ],
    [['sync', 'a', 'b', '--memory-limt', '1GB'], 'Did you mean --memory-limit?', '--memory-limit'],
    [['sync', 'a', 'b', '--numbers', 'exat'], 'Did you mean exact?', 'exact, double or string'],
    [['sync', 'a', 'b', '--sse', 'kms'], undefined, 'aws:kms or AES256'],
    [['sync', 'a', 'b', '--memory-limit', '1M'], undefined, 'a size such as'],
    [['sync', 'a', 'b', '--memory-limit'], 'tailrace sync --help', '--memory-limit <SIZE>'],
    [['sync', 'a'], '--table NAME', '<source> <target>'],
    [['sync', 'a', 'b', 'c'], 'quotes', '[source] [target]'],
    [['sync', 'a', 'b', '--table', 'c'], 'Leave out one', 'none of the two'],
    [['query', 'a'], 'tailrace query [options] <target> <sql>', undefined],
    [['schema'], undefined, 'one of infer, show, diff'],
    [['schema', 'infre', 'x'], 'Did you mean infer?', 'one of infer, show, diff'],
    [['schema', 'infer', 'x', '--format', 'yml'], 'Did you mean yaml?', 'yaml, flat or hive-ddl'],
    [['maintain', 'x', '--expire-snapshots', '7'], undefined, 'a duration such as 7d'],
    [['cat', 'x', '--limit', '-1'], undefined, 'a whole number'],
    [['cat', 'x', '--json'], 'Did you mean --as json?', '--as'],
    [['--region', 'x', 'sync'], 'Options stand after the verb', 'one of'],
    [['sync', '--config', 'no-such.yaml'], '--config', undefined],
  ])('%j exits 2 and says what is allowed', async (words, hint, expected) => {
    const plain = await run(words);
    expect(plain.code).toBe(2);
    if (!words.includes('--json')) expect(plain.out).toBe('');
    expect(plain.err).toMatch(/^error (USAGE|CONFIG): /);
    expect(plain.err).not.toContain('    at ');
    if (hint !== undefined) expect(plain.err).toContain(hint);
    if (expected !== undefined) expect(plain.err.replaceAll(/\s+/g, ' ')).toContain(expected);
    if (words[0] === 'cat' || words[0]?.startsWith('-')) return;

    const json = await run([...words, '--json']);
    expect(json.code).toBe(2);
    const document = onlyDocument(json.out);
    expect(document['outcome']).toBe('failed');
    expect(document['error']).toMatchObject({ message: expect.any(String) as string });
    expect(json.err).toMatch(/^error (USAGE|CONFIG): /);
  });

  test.each([
    ['follow', 'a', 'b'],
    ['verify', 'a', '--anything'],
  ])('%s is not in this version', async (...words) => {
    const { code, err } = await run(words);
    expect(code).toBe(2);
    expect(err).toContain('is not in this version');
  });

  test('TAILRACE_JSON makes usage errors JSON, too, and --no-json undoes it', async () => {
    expect(onlyDocument((await run(['snc'], {}, { env: { TAILRACE_JSON: 'true' } })).out)['outcome']).toBe('failed');
    expect((await run(['snc', '--no-json'], {}, { env: { TAILRACE_JSON: 'true' } })).out).toBe('');
    expect(onlyDocument((await run(['--json'])).out)['outcome']).toBe('failed');
  });

  test('a query that is the text --json is a query', async () => {
    const { code, out } = await run(['sync', '--', '--json', './t'], {
      sync: async (source) => ({ ...committed, source }),
    });
    expect(code).toBe(0);
    expect(out.startsWith('Committed')).toBe(true);
  });
});

describe('help', () => {
  test('goes to stdout, with groups, defaults and examples', async () => {
    const { code, out, err } = await run(['sync', '--help']);
    expect([code, err]).toEqual([0, '']);
    for (const title of [
      'Schema:',
      'Table layout:',
      'The run:',
      'Resources:',
      'AWS and S3-compatible stores:',
      'Output and configuration:',
      'Examples:',
    ]) {
      expect(out).toContain(`\n${title}\n`);
    }
    expect(out.replaceAll(/\s+/g, ' ')).toContain('(default: 420MB)');
    expect((await run(['help', 'sync'])).out).toBe(out);
  });

  test('without a verb shows the verbs', async () => {
    const { code, out } = await run([]);
    expect(code).toBe(0);
    expect(out).toContain('Usage: tailrace <verb>');
    expect(out).not.toContain('follow');
  });
});
