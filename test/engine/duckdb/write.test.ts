import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusalOf } from '../../../src/engine/duckdb/errors.ts';
import { type Duck, openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { tableRelation } from '../../../src/engine/duckdb/read.ts';
import { writeLines } from '../../../src/engine/duckdb/write.ts';
import { defaultOptions } from '../../../src/pipeline/ends/defaults.ts';
import { mapSchema } from '../../../src/schema/map.ts';
import { projectionOf } from '../../../src/schema/projection.ts';
import { emptyMap, learnItem } from '../../../src/schema/structure.ts';
import { parseLine } from '../../../src/source/lines/parse.ts';
import { SMALL } from './small.ts';
import { asFile } from './table-file.ts';

/** What the schema is learned from: each attribute with the one type that it is to have. */
const USUAL = {
  pk: { S: 'a' },
  text: { S: 'x' },
  whole: { N: '12' },
  part: { N: '1.25' },
  truth: { BOOL: true },
  set: { SS: ['a'] },
  numbers: { L: [{ N: '1' }] },
  texts: { L: [{ S: 'x' }] },
  map: { M: { s: { S: 'x' }, n: { N: '1' } } },
};

describe.each([
  ['few attributes', 0, false],
  ['few attributes, NULL expected', 0, true],
  ['many attributes', 60, false],
  ['many attributes, NULL expected', 60, true],
])('lines become rows: %s', (_, more, expectNulls) => {
  let duck: Duck;
  let dir: string;
  beforeAll(async () => {
    duck = await openDuckDb(SMALL);
    dir = mkdtempSync(join(tmpdir(), 'tailrace-write-'));
  });
  afterAll(() => {
    duck.close();
    rmSync(dir, { recursive: true });
  });

  const usual = { ...USUAL, ...Object.fromEntries(Array.from({ length: more }, (__, i) => [`more_${i}`, { S: 'x' }])) };
  const projection = (() => {
    const root = emptyMap();
    const parsed = parseLine(JSON.stringify({ Item: usual }));
    if (!parsed.ok) throw new Error('the usual item is no item');
    learnItem(root, parsed.item);
    return projectionOf(root, mapSchema(root, { ...defaultOptions().schema, key: ['pk'] }).schema, [], expectNulls);
  })();

  const rowsOf = async (...items: readonly object[]) => {
    const path = join(dir, 'lines.json');
    writeFileSync(path, items.map((Item) => `${JSON.stringify({ Item })}\n`).join(''));
    const outDir = mkdtempSync(join(dir, 'out-'));
    const layout = { partition: [], sort: [], targetFileSizeBytes: 1e6 };
    const { files } = await writeLines(duck, { projection, outDir, paths: [path], ...layout });
    return duck.rows(
      tableRelation(
        projection.schema,
        files.map((file) => asFile(file.path)),
      ),
    );
  };

  test('what fits is in its column, and nothing is rescued', async () => {
    const [row] = await rowsOf(usual);
    expect(row).toMatchObject({
      text: 'x',
      whole: 12n,
      truth: true,
      set: ['a'],
      numbers: [1n],
      texts: ['x'],
      map: { s: 'x', n: 1n },
      _rescued: null,
    });
    expect(Number(row?.['part'])).toBe(1.25);
  });

  test('what is absent is NULL and not rescued; empty values are values', async () => {
    const [row] = await rowsOf({ pk: usual.pk, text: { S: '' }, texts: { L: [] } });
    expect(row).toMatchObject({
      text: '',
      texts: [],
      whole: null,
      set: null,
      numbers: null,
      map: null,
      _rescued: null,
    });
  });

  test.each([
    ['whole', { N: '1.5' }, null],
    ['whole', { N: '9223372036854775808' }, null],
    ['part', { N: '1.00000001' }, null],
    ['numbers', { L: [{ N: '1' }, { N: '1.5' }] }, [1n, null]],
    ['map', { M: { s: { S: 'y' }, n: { N: '1.5' } } }, { s: 'y', n: null }],
  ])('a number that does not fit is rescued with its attribute: %s %j', async (name, value, held) => {
    const [row] = await rowsOf({ ...usual, [name]: value });
    expect(row?.[name]).toEqual(held);
    expect(JSON.parse(String(row?.['_rescued']))).toEqual({ [name]: value });
  });

  test('rescues of several attributes are one object, in whatever row', async () => {
    const odd = { whole: { N: '1.5' }, map: { M: { s: { S: 'y' }, n: { N: '2.5' } } } };
    const rows = await rowsOf(usual, { ...usual, ...odd }, usual);
    expect(rows.map((row) => JSON.parse(String(row['_rescued'])))).toEqual([null, odd, null]);
  });

  test.each([
    ['a list with a hole', { texts: { L: [{ S: 'x' }, null] } }],
    ['a list with an untyped value', { texts: { L: [{ S: 'x' }, {}] } }],
    ['a list of numbers with an untyped value', { numbers: { L: [{ N: '1' }, {}] } }],
    ['a set with a hole', { set: { SS: ['x', null] } }],
    ['a value without a type', { text: {} }],
    ['a map with an untyped value', { map: { M: { s: {}, n: { N: '1' } } } }],
    ['no key', { pk: undefined }],
  ])('a line that is no sound item is refused, though the engine reads it: %s', async (__, odd) => {
    const thrown = await rowsOf(usual, { ...usual, ...odd }).catch((error: unknown) => error);
    expect(refusalOf(thrown)?.file).toBe(join(dir, 'lines.json'));
  });
});
