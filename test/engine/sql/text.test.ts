import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { str } from '../../../src/engine/sql/quote.ts';
import { isSound, isSoundFlat, plainText, stripNulls } from '../../../src/engine/sql/text.ts';
import { itemArbitrary, valueArbitrary } from '../../data/nasty.ts';
import { SMALL } from '../duckdb/small.ts';

let duck: Duck;
beforeAll(async () => {
  duck = await openDuckDb(SMALL);
});
afterAll(() => duck.close());

/** One expression over each of these texts. */
async function each(texts: readonly string[], sql: (text: string) => string): Promise<unknown[]> {
  const rows = texts.map((text, i) => `(${i}, ${str(text)})`).join(', ');
  const result = await duck.rows(`SELECT ${sql('t')} AS r FROM (VALUES ${rows}) AS v(i, t) ORDER BY i`);
  return result.map((row) => row['r']);
}

/** Plain JSON by a walk over the value; undefined where plain JSON would lose a type. */
function plain(value: Readonly<Record<string, unknown>>): string | undefined {
  const [tag, inner] = Object.entries(value)[0] ?? [];
  if (tag === 'S' || tag === 'BOOL') return JSON.stringify(inner);
  if (tag === 'N') return String(inner);
  if (tag === 'NULL') return 'null';
  const members =
    tag === 'L'
      ? (inner as []).map((v) => [undefined, plain(v)] as const)
      : tag === 'M'
        ? Object.entries(inner as object).map(([k, v]) => [k, plain(v)] as const)
        : [[undefined, undefined] as const];
  if (members.some(([, text]) => text === undefined)) return undefined;
  const body = members.map(([name, text]) => (name === undefined ? text : `${JSON.stringify(name)}:${text}`)).join(',');
  return tag === 'L' ? `[${body}]` : `{${body}}`;
}

test('plain JSON of a value by text is what a walk over the value gives, or NULL where types would be lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(valueArbitrary, { minLength: 1, maxLength: 30 }), async (values) => {
      const got = await each(
        values.map((value) => JSON.stringify(value)),
        plainText,
      );
      for (const [i, value] of values.entries()) expect(got[i] ?? undefined).toBe(plain(value as never));
    }),
    { numRuns: 30, seed: 7 },
  );
}, 60_000);

test('an item is sound; the same with any tag, number, set or base64 spoilt is not', async () => {
  const spoil = (text: string): string[] =>
    [
      text.replace(/\{"S":"/, '{"X":"'),
      text.replace(/\{"N":"/, '{"N":"x'),
      text.replace(/\{"(S|N|B)":("[^"\\]*")/, '{"$1":$2,"BOOL":true'),
      text.replace('{"NULL":true}', '{"NULL":false}'),
      text.replace(/\{"(SS|NS)":\[/, '{"$1":[null,'),
      text.replace(/\{"B":"/, '{"B":"='),
    ].filter((spoilt) => spoilt !== text);
  await fc.assert(
    fc.asyncProperty(fc.array(itemArbitrary, { minLength: 1, maxLength: 10 }), async (items) => {
      const texts = items.map((item) => JSON.stringify(item));
      expect(await each(texts, isSound)).toEqual(texts.map(() => true));
      const spoilt = texts.flatMap(spoil);
      if (spoilt.length > 0) expect(await each(spoilt, isSound)).toEqual(spoilt.map(() => false));
    }),
    { numRuns: 30, seed: 7 },
  );
}, 60_000);

test('the quick look accepts nothing that the deep one refuses', async () => {
  const texts = [
    '{}',
    '{"a":{"S":"{\\"S\\":\\"x\\"}"}}',
    '{"a":{}}',
    '{"a":{"S":"x"},"b":{"S":"x","N":"1"}}',
    '{"a":5}',
    '{"a":{"L":[{"M":{"b":{"L":[{"L":[]}]}}}]}}',
  ];
  expect(await each(texts, isSoundFlat)).toEqual([true, true, false, false, false, false]);
  expect(await each(texts, isSound)).toEqual([true, true, false, false, false, true]);
});

test('null members go, whatever strings look like', async () => {
  const strings = ['x', ':null', 'a,', '","b":null', '\\":null,', 'é😀', '', '{"a":null}', ',}'];
  const objects = strings.flatMap((text) => [
    { a: null, [text]: { S: text, N: null }, z: null },
    { b: [{ S: text, M: null }], c: null },
  ]);
  const got = await each(
    objects.map((object) => JSON.stringify(object)),
    stripNulls,
  );
  const without = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(without)
      : typeof value !== 'object' || value === null
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .filter(([, v]) => v !== null)
              .map(([k, v]) => [k, without(v)]),
          );
  expect(got.map((text) => JSON.parse(String(text)))).toEqual(objects.map(without));
});
