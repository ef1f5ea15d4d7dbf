import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { bucketHashSql } from '../../../src/engine/sql/murmur.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import { transformSql } from '../../../src/engine/sql/transforms.ts';
import type { PhysicalType } from '../../../src/model/schema.ts';
import type { TransformName } from '../../../src/model/table.ts';
import { SMALL } from '../duckdb/small.ts';

const PYTHON = '.cache/venv/bin/python';

/** A value as text: base64 for binary, microseconds for times. */
function literal(type: PhysicalType, text: string): string {
  if (type === 'string') return str(text);
  if (type === 'binary') return `from_base64(${str(text)})`;
  if (type === 'long') return `CAST(${str(text)} AS BIGINT)`;
  if (type === 'timestamptz') return `make_timestamptz(CAST(${str(text)} AS BIGINT))`;
  if (typeof type === 'object') return `CAST(${str(text)} AS DECIMAL(${type.decimal.join(',')}))`;
  throw new Error('no such case');
}

const typeName = (type: PhysicalType): string =>
  typeof type === 'object' ? `decimal(${type.decimal.join(',')})` : type;

describe('partition transforms in SQL', () => {
  let duck: Duck;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
  });
  afterAll(() => duck.close());

  const one = async (transform: TransformName, width: number | undefined, type: PhysicalType, value: string) => {
    const field = width === undefined ? { transform } : { transform, width };
    const [row] = await duck.rows(
      `SELECT CAST(${transformSql(field, 'v', type)} AS VARCHAR) AS r FROM (SELECT ${value} AS v)`,
    );
    return row?.['r'];
  };

  test.each<[PhysicalType, string, number]>([
    ['long', '34', 2017239379],
    [{ decimal: [9, 2] }, '14.20', -500754589],
    [{ decimal: [38, 2] }, '14.20', -500754589],
    ['string', 'iceberg', 1210000089],
    ['binary', Buffer.from([0, 1, 2, 3]).toString('base64'), -188683207],
    ['timestamptz', '1510871468000000', -2047944441],
  ])('the hash of %s %s is the one of the specification', async (type, value, hash) => {
    const [row] = await duck.rows(`SELECT ${bucketHashSql('v', type)} AS h FROM (SELECT ${literal(type, value)} AS v)`);
    expect(Number(BigInt.asIntN(32, BigInt(String(row?.['h']))))).toBe(hash);
  });

  test('a bucket is short to plan, whatever the type: no part of it stands there twice', () => {
    const types: PhysicalType[] = ['string', 'binary', 'long', 'timestamptz', { decimal: [38, 9] }];
    for (const type of types) expect([type, bucketHashSql('v', type).length < 1_500]).toEqual([type, true]);
  });

  test('times before 1970 fall into the year, month, day and hour that they are in', async () => {
    const before = literal('timestamptz', '-1');
    expect(await one('year', undefined, 'timestamptz', before)).toBe('-1');
    expect(await one('month', undefined, 'timestamptz', before)).toBe('-1');
    expect(await one('day', undefined, 'timestamptz', before)).toBe('-1');
    expect(await one('hour', undefined, 'timestamptz', before)).toBe('-1');
    expect(await one('hour', undefined, 'timestamptz', literal('timestamptz', '-3600000000'))).toBe('-1');
    expect(await one('day', undefined, 'timestamptz', literal('timestamptz', '0'))).toBe('0');
  });

  test('truncate floors numbers and cuts text by code points', async () => {
    expect(await one('truncate', 10, 'long', '(-1)::BIGINT')).toBe('-10');
    expect(await one('truncate', 10, 'long', '9223372036854775807')).toBe('9223372036854775800');
    expect(await one('truncate', 10, 'long', '(-9223372036854775808)::BIGINT')).toBe('9223372036854775806');
    expect(await one('truncate', 50, { decimal: [4, 2] }, "'10.65'::DECIMAL(4,2)")).toBe('10.50');
    expect(await one('truncate', 50, { decimal: [4, 2] }, "'-0.05'::DECIMAL(4,2)")).toBe('-0.50');
    expect(await one('truncate', 2, 'string', "'😀é😀'")).toBe('😀é');
    expect(await one('truncate', 2, 'binary', "'\\x00\\xFF\\x01'::BLOB")).toBe('\\x00\\xFF');
  });

  test('NULL stays NULL in every transform', async () => {
    const types: PhysicalType[] = ['string', 'long', 'binary', 'timestamptz', { decimal: [38, 9] }];
    for (const type of types) {
      const sqlType = { string: 'VARCHAR', long: 'BIGINT', binary: 'BLOB', timestamptz: 'TIMESTAMPTZ' };
      const none = `CAST(NULL AS ${typeof type === 'object' ? 'DECIMAL(38,9)' : sqlType[type as keyof typeof sqlType]})`;
      expect(await one('bucket', 16, type, none)).toBeNull();
      if (type !== 'timestamptz') expect(await one('truncate', 4, type, none)).toBeNull();
    }
    for (const transform of ['year', 'month', 'day', 'hour'] as const) {
      expect(await one(transform, undefined, 'timestamptz', 'CAST(NULL AS TIMESTAMPTZ)')).toBeNull();
    }
  });

  test('what no transform can do is refused with a hint', () => {
    expect(() => transformSql({ transform: 'day' }, 'v', 'string')).toThrow(/day cannot be applied/);
    expect(() => transformSql({ transform: 'bucket', width: 4 }, 'v', 'double')).toThrow(/buckets/);
    expect(() => transformSql({ transform: 'bucket' }, 'v', 'string')).toThrow(/width/);
  });

  const title = 'PyIceberg agrees on 1,000 random values';
  const missing = !existsSync(PYTHON);
  if (missing && process.env['CI'] === 'true') throw new Error(`${PYTHON} is missing: ${title}`);

  test.skipIf(missing)(
    title,
    async () => {
      const cases = fc.sample(randomCase(), { numRuns: 1000, seed: 20260101 });
      const ours = new Map<number, unknown>();
      const numbered = cases.map((one, i) => ({
        ...one,
        i,
        key: `${one.transform} ${one.width} ${typeName(one.type)}`,
      }));
      for (const key of new Set(numbered.map((one) => one.key))) {
        const same = numbered.filter((one) => one.key === key);
        const first = same[0];
        if (first === undefined) continue;
        const { type, transform, width } = first;
        const result = transformSql(width === undefined ? { transform } : { transform, width }, 'v', type);
        const text =
          type === 'binary' && transform === 'truncate' ? `to_base64(${result})` : `CAST(${result} AS VARCHAR)`;
        const values = same.map((one) => `(${one.i}, ${literal(type, one.value)})`).join(', ');
        for (const row of await duck.rows(`SELECT i, ${text} AS r FROM (VALUES ${values}) t(i, v)`))
          ours.set(Number(row['i']), row['r']);
      }
      const input = JSON.stringify({ cases: cases.map((one) => ({ ...one, type: typeName(one.type) })) });
      const python = spawnSync(PYTHON, ['test/engine/sql/iceberg_transforms.py'], { input, encoding: 'utf8' });
      expect(python.stderr).toBe('');
      const theirs = JSON.parse(python.stdout) as readonly string[];
      const differing = cases
        .map((one, i) => ({ ...one, ours: ours.get(i), theirs: theirs[i] }))
        .filter((one) => !sameResult(one.type, one.ours, one.theirs));
      expect(differing).toEqual([]);
    },
    60_000,
  );
});

function sameResult(type: PhysicalType, ours: unknown, theirs: string | undefined): boolean {
  if (typeof type !== 'object' || typeof ours !== 'string' || theirs === undefined) return ours === theirs;
  const canonical = (text: string) => text.replace(/^(-?)\./, '$10.').replace(/^-(0\.?0*)$/, '$1');
  return canonical(ours) === canonical(theirs);
}

interface Case {
  readonly transform: TransformName;
  readonly width?: number;
  readonly type: PhysicalType;
  readonly value: string;
}

function randomCase(): fc.Arbitrary<Case> {
  const width = fc.constantFrom(1, 2, 3, 7, 16, 1000, 2147483647);
  // The least longs are left out: there PyIceberg gives a number that is no long.
  const long = fc.bigInt({ min: -(2n ** 63n) + 2n ** 32n, max: 2n ** 63n - 1n });
  const typed = (precision: number, scale: number): fc.Arbitrary<readonly [PhysicalType, string]> => {
    const limit = 10n ** BigInt(precision) - 2n ** 32n;
    return fc
      .oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -70000n, max: 70000n }))
      .map((unscaled) => {
        const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
        const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
        return [{ decimal: [precision, scale] }, `${unscaled < 0n ? '-' : ''}${text}`];
      });
  };
  const value: fc.Arbitrary<readonly [PhysicalType, string]> = fc.oneof(
    fc.oneof(long, fc.bigInt({ min: -300n, max: 300n })).map((n) => ['long', String(n)] as const),
    typed(18, 2),
    typed(38, 9),
    typed(38, 0),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => ['string', text] as const),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => ['binary', Buffer.from(bytes).toString('base64')] as const),
  );
  const time = fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n });
  return fc.oneof(
    fc
      .tuple(fc.constantFrom('bucket' as const, 'truncate' as const), width, value)
      .map(([transform, w, [type, text]]) => ({ transform, width: w, type, value: text })),
    fc
      .tuple(fc.constantFrom('year' as const, 'month' as const, 'day' as const, 'hour' as const), time)
      .map(([transform, at]) => ({ transform, type: 'timestamptz' as const, value: String(at) })),
    fc
      .tuple(width, time)
      .map(([w, at]) => ({ transform: 'bucket' as const, width: w, type: 'timestamptz' as const, value: String(at) })),
  );
}
