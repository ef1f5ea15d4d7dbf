import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linesRelation, seedOf } from '../../../src/engine/duckdb/seed.ts';
import { sinceSql } from '../../../src/engine/sql/since.ts';
import { ITEM_LINES } from '../../../src/model/item.ts';
import type { Since } from '../../../src/schema/filter/since.ts';
import type { ReadItem } from '../../../src/schema/reading.ts';
import { smallEngine } from '../duckdb/small-engine.ts';

const engine = smallEngine();
/** 2024-01-15T10:00:00.5Z */
const MICROS = BigInt(Date.UTC(2024, 0, 15, 10)) * 1000n + 500_000n;

const TIMES: readonly [value: object | undefined, auto: boolean | undefined][] = [
  // Numbers tell their unit by their size: ms are never compared with s.
  [{ N: '1705312800' }, false],
  [{ N: '1705312801' }, true],
  [{ N: '1705312800.5' }, true],
  [{ N: '1705312800.49' }, false],
  [{ N: '1705312800499' }, false],
  [{ N: '1705312800500' }, true],
  [{ N: '1705312800499999' }, false],
  [{ N: '1705312800500000' }, true],
  [{ N: '1705312800499.9999999999999999999' }, false],
  // What is no time of these years cannot decide.
  [{ N: '5' }, undefined],
  [{ N: '-1705312801' }, undefined],
  [{ N: '99999999999999999999999999999999999999' }, undefined],
  [{ S: '2024-01-15T10:00:00Z' }, false],
  [{ S: '2024-01-15T10:00:00.5Z' }, true],
  [{ S: '2024-01-15T10:00:00.499999999Z' }, false],
  [{ S: '2024-01-15T10:00:00.500000001Z' }, true],
  [{ S: '2024-01-15T11:00:00.6+01:00' }, true],
  [{ S: '2024-01-15T11:00:00+0100' }, false],
  [{ S: '2024-01-15 10:00:01' }, true],
  [{ S: '2024-01-15T10:01' }, true],
  [{ S: '2024-01-15T10:00' }, false],
  [{ S: '2024-01-15' }, false],
  [{ S: '2024-01-16' }, true],
  [{ S: '15-01-2024' }, false],
  [{ S: '16-01-2024' }, true],
  [{ S: '1705312801' }, true],
  [{ S: '1705312800499' }, false],
  [{ S: '2024-02-30' }, undefined],
  [{ S: '99-99-2024' }, undefined],
  [{ S: 'yesterday' }, undefined],
  [{ S: '' }, undefined],
  [{ BOOL: true }, undefined],
  [{ NULL: true }, undefined],
  [{ L: [{ N: '1705312801' }] }, undefined],
  [undefined, undefined],
];

/** 2024-01-15T00:00:00Z in every form, each next to the last moment before it that the form can tell. */
const MIDNIGHT = BigInt(Date.UTC(2024, 0, 15)) * 1000n;
const AT_MIDNIGHT: readonly (readonly [form: string, at: object, before: object])[] = [
  ['dd-mm-yyyy', { S: '15-01-2024' }, { S: '14-01-2024' }],
  ['dd-mm-yyyy, a time', { S: '15-01-2024 00:00' }, { S: '14-01-2024 23:59' }],
  ['dd-mm-yyyy, a time and a zone', { S: '15-01-2024T01:00:00+0100' }, { S: '15-01-2024T00:59:59+01:00' }],
  ['a date', { S: '2024-01-15' }, { S: '2024-01-14' }],
  ['minutes', { S: '2024-01-15T00:00' }, { S: '2024-01-14T23:59' }],
  ['minutes, Z', { S: '2024-01-15T00:00Z' }, { S: '2024-01-14T23:59Z' }],
  ['minutes, a zone', { S: '2024-01-15T01:00+01:00' }, { S: '2024-01-15T00:59+01:00' }],
  ['minutes, a zone of hours', { S: '2024-01-14T19:00-05' }, { S: '2024-01-14T18:59-05' }],
  ['seconds', { S: '2024-01-15T00:00:00' }, { S: '2024-01-14T23:59:59' }],
  ['a space', { S: '2024-01-15 00:00:00' }, { S: '2024-01-14 23:59:59' }],
  ['seconds, Z', { S: '2024-01-15T00:00:00Z' }, { S: '2024-01-14T23:59:59Z' }],
  ['seconds, z', { S: '2024-01-15T00:00:00z' }, { S: '2024-01-14T23:59:59z' }],
  ['a space before Z', { S: '2024-01-15 00:00:00 Z' }, { S: '2024-01-14 23:59:59 Z' }],
  ['a zone', { S: '2024-01-15T01:00:00+01:00' }, { S: '2024-01-15T00:59:59+01:00' }],
  ['a zone without a colon', { S: '2024-01-14T19:00:00-0500' }, { S: '2024-01-14T18:59:59-0500' }],
  ['a space before the zone', { S: '2024-01-15 01:00:00 +0100' }, { S: '2024-01-15 00:59:59 +0100' }],
  ['milliseconds', { S: '2024-01-15T00:00:00.000Z' }, { S: '2024-01-14T23:59:59.999Z' }],
  ['a comma', { S: '2024-01-15T00:00:00,000Z' }, { S: '2024-01-14T23:59:59,999Z' }],
  ['nanoseconds', { S: '2024-01-15T00:00:00.000000000Z' }, { S: '2024-01-14T23:59:59.999999999Z' }],
  ['s', { N: '1705276800' }, { N: '1705276799' }],
  ['s with a fraction', { N: '1705276800.000001' }, { N: '1705276799.999999' }],
  ['ms', { N: '1705276800000' }, { N: '1705276799999' }],
  ['µs', { N: '1705276800000000' }, { N: '1705276799999999' }],
  ['s as text', { S: '1705276800' }, { S: '1705276799' }],
  ['s with a fraction as text', { S: '1705276800.0' }, { S: '1705276799.90' }],
  ['ms as text', { S: '1705276800000' }, { S: '1705276799999' }],
  ['µs as text', { S: '1705276800000000' }, { S: '1705276799999999' }],
];

async function kept(
  since: Partial<Since>,
  open: boolean,
  values: readonly (object | undefined)[] = TIMES.map(([value]) => value),
): Promise<(boolean | null)[]> {
  const { duck, dir } = engine;
  const tags = ['S', 'N', 'BOOL', 'NULL'].map((tag) => [tag, { kind: 'scalar' }] as const);
  const raw = { kind: 'raw' } as const;
  const at = { kind: 'typed', tags: new Map<string, unknown>([...tags, ['L', raw]]) } as const;
  const reading = (open
    ? { kind: 'open', attrs: new Map() }
    : {
        kind: 'struct',
        attrs: new Map<string, unknown>([
          ['pk', raw],
          ['at', at],
        ]),
      }) as unknown as ReadItem;
  const [seedPath, path] = [join(dir, 'since-seed.json'), join(dir, 'since.json')];
  const seed = seedOf({ reading, lines: ITEM_LINES, keyAttrs: ['pk'] });
  writeFileSync(seedPath, `${seed.lines.join('\n')}\n`);
  const items = values.map((value, i) => ({
    pk: { S: String(100 + i) },
    ...(value === undefined ? {} : { at: value }),
  }));
  writeFileSync(path, items.map((Item) => `${JSON.stringify({ Item })}\n`).join(''));
  const whole: Since = { attr: 'at', micros: MICROS, unit: 'auto', untimed: 'keep', ...since };
  const sql = sinceSql(whole, { reading, column: 'Item', file: 'filename' });
  const rows = await duck.rows(
    `SELECT ${sql} AS kept FROM ${linesRelation(seedPath, seed, [path])} ORDER BY json_extract_string(Item::JSON, '/pk/S')`,
  );
  return rows.map(({ kept: each }) => each as boolean | null);
}

describe.each([
  ['structs', false],
  ['text', true],
])('items read as %s', (_, open) => {
  test('document 0: units of time are told by each value; what has no time is kept, unless told otherwise', async () => {
    const shown = (values: readonly (boolean | null)[]) =>
      values.map((value, i) => [JSON.stringify(TIMES[i]?.[0]), value]);
    expect(shown(await kept({}, open))).toEqual(shown(TIMES.map(([, auto]) => auto ?? true)));
    expect(shown(await kept({ untimed: 'drop' }, open))).toEqual(shown(TIMES.map(([, auto]) => auto ?? false)));
  });

  test('document 0: a time at the very moment is taken, the last one before it is not, in whichever form', async () => {
    const midnight = { micros: MIDNIGHT, untimed: 'drop' } as const;
    const [at, before] = [AT_MIDNIGHT.map(([, value]) => value), AT_MIDNIGHT.map(([, , value]) => value)];
    const all = (taken: boolean) => AT_MIDNIGHT.map(([form]) => [form, taken]);
    const named = (taken: readonly (boolean | null)[]) => taken.map((each, i) => [AT_MIDNIGHT[i]?.[0], each]);
    expect(named(await kept(midnight, open, at))).toEqual(all(true));
    expect(named(await kept({ ...midnight, untimed: 'keep' }, open, before))).toEqual(all(false));
  });

  test('a unit that is given holds for all numbers', async () => {
    const seconds = await kept({ unit: 'epoch-s', untimed: 'drop' }, open);
    const numbers = TIMES.map(([value]) => (value as { N?: string } | undefined)?.N);
    for (const [i, n] of numbers.entries())
      if (n !== undefined) expect([n, seconds[i]]).toEqual([n, Number(n) >= 1705312800.5]);
  });

  test('an attribute that no item has decides nothing', async () => {
    expect(new Set(await kept({ attr: 'nowhere' }, open))).toEqual(new Set([true]));
    expect(new Set(await kept({ attr: 'nowhere', untimed: 'drop' }, open))).toEqual(new Set([false]));
  });
});
