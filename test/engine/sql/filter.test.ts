import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../../../src/engine/duckdb/errors.ts';
import { linesRelation, seedOf } from '../../../src/engine/duckdb/seed.ts';
import { filterSql } from '../../../src/engine/sql/filter.ts';
import { ITEM_LINES } from '../../../src/model/item.ts';
import { defaultOptions } from '../../../src/pipeline/ends/defaults.ts';
import { parseFilter } from '../../../src/schema/filter/parse.ts';
import { printFilter } from '../../../src/schema/filter/print.ts';
import { mapSchema } from '../../../src/schema/map.ts';
import { projectionOf } from '../../../src/schema/projection.ts';
import type { ReadItem } from '../../../src/schema/reading.ts';
import { emptyMap, learnItem } from '../../../src/schema/structure.ts';
import { parseLine } from '../../../src/source/lines/parse.ts';
import { meets } from '../../data/filter-model.ts';
import type { DdbItem } from '../../data/ion.ts';
import { filters } from '../../schema/filter/arbitrary.ts';
import { smallEngine } from '../duckdb/small-engine.ts';

const engine = smallEngine();

/** How these items would be read: as structs, or as JSON text. */
function readingOf(items: readonly DdbItem[], open: boolean): ReadItem {
  const root = emptyMap();
  for (const item of items) {
    const parsed = parseLine(JSON.stringify({ Item: item }));
    if (!parsed.ok) throw new Error(parsed.reason);
    learnItem(root, parsed.item);
  }
  const schema = mapSchema(root, { ...defaultOptions().schema, key: ['pk'] }).schema;
  return open ? { kind: 'open', attrs: new Map() } : projectionOf(root, schema, ['excluded']).reading;
}

/** What the engine says of each item by each condition, as texts. */
async function verdicts(
  texts: readonly string[],
  items: readonly DdbItem[],
  reading: ReadItem,
): Promise<(boolean | null)[][]> {
  const { duck, dir } = engine;
  const [seedPath, path] = [join(dir, 'seed.json'), join(dir, 'items.json')];
  const seed = seedOf({ reading, lines: ITEM_LINES, keyAttrs: ['pk'] });
  writeFileSync(seedPath, `${seed.lines.join('\n')}\n`);
  writeFileSync(path, items.map((Item) => `${JSON.stringify({ Item })}\n`).join(''));
  const scope = { reading, column: 'Item', file: 'filename' };
  const columns = texts.map((text, i) => `${filterSql(parseFilter(text), scope)} AS f${i}`);
  const pk =
    reading.kind === 'open' ? `json_extract_string(Item, '/pk/S')` : `struct_extract(struct_extract(Item, 'pk'), 'S')`;
  const rows = await duck.rows(
    `SELECT Item::VARCHAR AS item, ${pk}::INTEGER AS pk, ${columns.join(', ')} FROM ${linesRelation(seedPath, seed, [path])} ORDER BY pk`,
  );
  return rows.map((row) => texts.map((_, i) => row[`f${i}`] as boolean | null));
}

const VALUES = [
  { S: 'a' },
  { S: '' },
  { S: 'ab' },
  { S: 'x_y' },
  { S: '50%' },
  { S: 'é' },
  { S: '🙂b' },
  { N: '0' },
  { N: '5' },
  { N: '-5' },
  { N: '9007199254740993' },
  { N: '9007199254740992' },
  { N: '0.1' },
  { N: '0.10000000000000000000000000000000000001' },
  { N: `1${'0'.repeat(125)}` },
  { N: `-1${'0'.repeat(125)}` },
  { N: `0.${'0'.repeat(129)}1` },
  { BOOL: true },
  { BOOL: false },
  { NULL: true },
  { B: 'YQ==' },
  { SS: ['a', 'ab'] },
  { NS: ['5', '0.1'] },
  { L: [{ S: 'a' }, { N: '5' }, { BOOL: true }] },
  { L: [] },
  { M: { a: { S: 'a' }, 'x.y': { N: '5' } } },
  { M: {} },
] as const;
const ITEMS: DdbItem[] = [
  ...VALUES.map((v, i) => ({ pk: { S: String(i) }, v }) as unknown as DdbItem),
  { pk: { S: String(VALUES.length) } },
  ...VALUES.map(
    (v, i) =>
      ({
        pk: { S: String(100 + i) },
        excluded: v,
        list: { L: [v, { S: 'z' }] },
        map: { M: { v, n: { N: String(i) } } },
        n: { N: String(i - 3) },
        s: { S: `s${i}` },
        mixed: i % 2 === 0 ? { S: '5' } : { N: '5' },
      }) as unknown as DdbItem,
  ),
];
const PATHS = [['v'], ['excluded'], ['list', 0], ['list', 1], ['list', 7], ['map', 'v'], ['map', 'x'], ['n'], ['s']];
const MORE = [['mixed'], ['nowhere'], ['v', 'x.y'], ['v', 'a'], ['v', 0], ['n', 'x'], ['__proto__']];
const TEXTS = ['a', '', 'ab', 's1', '5', 'é', '🙂'];
const NUMBERS = [
  ...['0', '5', '-5', '9007199254740993', '0.1', '0.10000000000000000000000000000000000001'],
  ...['1e125', '-1e125', '1e-130', '-3', '1e-130'],
];

describe.each([
  ['structs', false],
  ['text', true],
])('items read as %s', (_, open) => {
  test('any condition says of any item what the model says', { timeout: 120_000 }, async () => {
    const reading = readingOf(ITEMS, open);
    const sample = fc.sample(filters([...PATHS, ...MORE], TEXTS, NUMBERS), 400);
    for (let at = 0; at < sample.length; at += 50) {
      const some = sample.slice(at, at + 50);
      const texts = some.map(printFilter);
      const got = await verdicts(texts, ITEMS, reading);
      const said = ITEMS.map((item, i) =>
        some.map((_, j) => `${texts[j]}: ${JSON.stringify(item)}: ${got[i]?.[j] ?? 'unknown'}`),
      );
      const right = ITEMS.map((item) =>
        some.map((filter, j) => `${texts[j]}: ${JSON.stringify(item)}: ${meets(filter, item) ?? 'unknown'}`),
      );
      expect(said.flat()).toEqual(right.flat());
    }
  });

  test.each([
    ["v <> 'a'", [false, true, null, null]],
    ["not v = 'a'", [false, true, null, null]],
    ["v = 'a' or v is null", [true, false, true, true]],
    ['v is missing', [false, false, false, true]],
    ['v is not null', [true, true, false, false]],
    ['not v < 5', [true, true, null, null]],
    ['nowhere = 1 or nowhere is missing', [true, true, true, true]],
  ])('of a text, a number, NULL and nothing, %s is %j', async (text, expected) => {
    const values = [{ S: 'a' }, { N: '7' }, { NULL: true }, undefined];
    const items = values.map((v, i) => ({ pk: { S: String(i) }, ...(v && { v }) }) as unknown as DdbItem);
    const got = await verdicts([text], items, readingOf(items, open));
    expect(got.flat()).toEqual(expected);
  });

  test('a number that DynamoDB does not spell so sends its file the slow way', async () => {
    const items = [{ pk: { S: '0' }, v: { N: '5' } }] as DdbItem[];
    const odd = [{ pk: { S: '0' }, v: { N: '5.0' } }] as DdbItem[];
    const failed = await verdicts(['v = 5'], odd, readingOf(items, open)).catch((thrown: unknown) => thrown);
    expect(refusalOf(failed)?.kind).toBe('bad-line');
  });
});
