import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { SMALL } from './small.ts';

const SLOW = 'select count(*) from range(100000000000) t(a) where a * a % 7 = 3';

describe('an embedded engine', () => {
  let duck: Duck;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
  });
  afterAll(() => duck.close());

  test('values come out exact', async () => {
    const [row] =
      await duck.rows(`select 9223372036854775807 as l, 12345678901234567890123456789012345678::DECIMAL(38,0) as d,
      -0.50::DECIMAL(18,2) as e, true as b, 'x' || chr(0) as s, '\\x00\\xFF'::BLOB as bin, NULL as n, [1, NULL] as list,
      {'a': 1::BIGINT, '__proto__x': 'y'} as st, MAP {'k': 1.5::DOUBLE} as m,
      TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' as t`);
    expect(row).toEqual({
      l: 9223372036854775807n,
      d: '12345678901234567890123456789012345678',
      e: '-0.50',
      b: true,
      s: 'x\0',
      bin: 'AP8=',
      n: null,
      list: [1, null],
      st: { a: 1n, __proto__x: 'y' },
      m: { k: 1.5 },
      t: '1969-12-31T23:59:59.999999Z',
    });
  });

  test('the limits are set, times are UTC, and no extension is fetched', async () => {
    const settings = await duck.rows(`select name, value from duckdb_settings() where name in ('TimeZone', 'threads',
      'preserve_insertion_order', 'autoload_known_extensions', 'autoinstall_known_extensions') order by lower(name)`);
    expect(settings.map(({ value }) => value)).toEqual(['false', 'false', 'false', '1', 'UTC']);
    await expect(duck.run("ATTACH 'sqlite:x.db'")).rejects.toMatchObject({ code: 'ENGINE' });
  });

  test('an abort stops a running statement', async () => {
    const controller = new AbortController();
    const running = duck.run(SLOW, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('an abort before or right at the start is not lost', async () => {
    await expect(duck.run(SLOW, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const controller = new AbortController();
    const running = duck.rows(SLOW, controller.signal);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('an abort stops a stream, and only this one', async () => {
    const controller = new AbortController();
    const other = duck.rows('select count(*) as n from range(3000000)');
    let seen = 0;
    const reading = (async () => {
      for await (const row of duck.stream('select a from range(1000000000) t(a)', controller.signal)) {
        seen += row.length;
        if (seen === 5000) controller.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(seen).toBeLessThan(20000);
    expect(await other).toEqual([{ n: 3000000n }]);
  });

  test('a stream gives all rows and can be left early', async () => {
    const rows: unknown[] = [];
    for await (const row of duck.stream('select a, a::VARCHAR as t from range(5000) r(a) order by a')) rows.push(row);
    expect(rows.length).toBe(5000);
    expect(rows[4999]).toEqual([4999n, '4999']);
    for await (const row of duck.stream('select a from range(1000000000) t(a)')) {
      expect(row.length).toBe(1);
      break;
    }
  });

  test('a cursor knows names and types, duplicates included', async () => {
    const cursor = await duck.cursor('select 1::BIGINT as a, [1.5::DECIMAL(9,2)] as a');
    expect(cursor.columns).toEqual([
      { name: 'a', type: 'BIGINT' },
      { name: 'a', type: 'DECIMAL(9,2)[]' },
    ]);
    for await (const row of cursor.rows) expect(row).toEqual([1n, ['1.50']]);
  });

  test('a JavaScript function can be called on every connection, NULL gives NULL', async () => {
    await duck.registerScalar({
      name: 'shout',
      parameters: ['VARCHAR'],
      returns: 'VARCHAR',
      call: (s) => `${String(s)}!`,
    });
    await duck.registerScalar({
      name: 'blob_size',
      parameters: ['BLOB'],
      returns: 'BIGINT',
      call: (b) => (b instanceof Uint8Array ? BigInt(b.length) : null),
    });
    const rows = await duck.rows(`select shout(x) as s, blob_size(encode(x)) as n from (values ('é'), (NULL)) v(x)`);
    expect(rows).toEqual([
      { s: 'é!', n: 2n },
      { s: null, n: null },
    ]);
    const [sum] = await duck.rows('select sum(length(shout(a::VARCHAR)))::BIGINT as n from range(10000) t(a)');
    expect(sum).toEqual({ n: 48890n });
  });

  test('fault 24: more memory than the limit is a clean error', async () => {
    const running = duck.run("select list(a || repeat('x', 1000)) from range(5000000) t(a)");
    await expect(running).rejects.toMatchObject({
      code: 'MEMORY_LIMIT',
      hint: expect.stringContaining('--memory-limit'),
    });
  });

  test('a temporary folder that is not there is an error with its place', async () => {
    await expect(openDuckDb({ ...SMALL, tempDir: '/nowhere/at/all' })).rejects.toMatchObject({
      place: '/nowhere/at/all',
    });
  });

  test('two engines on one temporary folder do not disturb each other', async () => {
    const tempDir = mkdtempSync(join(tmpdir(), 'tailrace-two-'));
    const options = { memoryLimitBytes: 60_000_000, threads: 1, tempDir, tempBudgetBytes: 500_000_000 };
    const both = await Promise.all([openDuckDb(options), openDuckDb(options)]);
    const count = 'select count(*) as n from (select distinct md5(a::VARCHAR) from range(1000000) t(a))';
    expect(await Promise.all(both.map((one) => one.rows(count)))).toEqual([[{ n: 1000000n }], [{ n: 1000000n }]]);
    for (const one of both) one.close();
    expect(readdirSync(tempDir)).toEqual([]);
    rmSync(tempDir, { recursive: true });
  });

  test.skipIf(!existsSync('/dev/full'))('fault 25: a full disk is a clean error', async () => {
    const running = duck.run(
      "COPY (select a, md5(a::VARCHAR) as b from range(300000) t(a)) TO '/dev/full' (FORMAT parquet, USE_TMP_FILE false)",
    );
    await expect(running).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('fault 25: a spill over the budget is a clean error, and the folder is left empty', async () => {
    const tempDir = mkdtempSync(join(tmpdir(), 'tailrace-spill-'));
    const tight = await openDuckDb({ memoryLimitBytes: 60_000_000, threads: 1, tempDir, tempBudgetBytes: 5_000_000 });
    const running = tight.run('CREATE TABLE t as select repeat(md5(a::VARCHAR), 3) as b from range(1000000) t(a)');
    await expect(running).rejects.toMatchObject({
      code: 'TEMP_BUDGET',
      hint: expect.stringContaining('--temp-budget'),
    });
    tight.close();
    expect(readdirSync(tempDir)).toEqual([]);
    rmSync(tempDir, { recursive: true });
  });
});
