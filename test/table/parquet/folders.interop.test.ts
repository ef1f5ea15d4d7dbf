import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { PartitionField } from '../../../src/model/table.ts';
import { NULL_FOLDER, partitionFileName, partitionFolders } from '../../../src/table/parquet/folders.ts';
import { python, sparkJar } from '../../toolchain/tools.ts';

const SCRIPT = fileURLToPath(new URL('./read_folders.py', import.meta.url));
const region: PartitionField = { column: 'region', transform: 'identity', name: 'region' };
const NASTY = [
  null,
  '',
  'eu',
  'EU',
  '01',
  '1',
  '1e3',
  '2024-01-01',
  'true',
  'a=b',
  'a/b',
  'é😀',
  NULL_FOLDER,
  '50%',
  'a b',
  'c:d',
  '}x',
  'null',
  'NULL',
  '_x',
  '.h',
  '.',
  '..',
  'a..b',
  ' lead',
  'trail ',
  '%41',
  'a\\b',
  "q'",
  'd"',
  '*',
  '?',
  '[x]',
  '{y}',
  '^',
  '#',
  '\u0000',
  '\u0001',
  '\u007f',
  'a+b',
  '&',
  'a\nb',
  '~',
  'nan',
  '$x',
  '日本',
  'x'.repeat(3000),
  `é${'/'.repeat(300)}`,
];
const folder = mkdtempSync(join(tmpdir(), 'folders-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Readings = Record<string, Record<string, readonly [region: string | null, part: string | null]>>;

/** What each reader says of tables with these values, one row each; an object beside them begins with an underscore. */
function read(...tables: (readonly (string | null)[])[]): Readings[] {
  const out = join(folder, 'answers.json');
  const described = tables.map((values, index) => {
    const root = join(folder, String(index), 'g-1');
    const files = values.map((value, id) => ({
      id,
      region: value,
      path: `${root}/${partitionFolders([region], [value])}/${partitionFileName('part-0.parquet', [value])}`,
    }));
    return { root, files };
  });
  const run = spawnSync(python ?? '', [SCRIPT], {
    input: JSON.stringify({ tables: described, out }),
    encoding: 'utf8',
  });
  expect(run.status, run.stderr).toBe(0);
  return JSON.parse(readFileSync(out, 'utf8')) as Readings[];
}

const ready = python !== undefined && sparkJar !== undefined;
if (!ready) console.warn('skipped: no Python environment with Spark and Java (npm run setup)');

test.skipIf(!ready)(
  'fault 89: Spark, PyArrow and DuckDB read every partition value as it was written',
  () => {
    const digits = ['01', '1', '1.0', null, '', '0x1F', '9007199254740993'];
    const [{ 'spark filtered': filtered, ...nasty } = {}, { 'spark filtered': none, ...numbers } = {}] = read(
      NASTY,
      digits,
    );
    for (const [reader, rows] of Object.entries(nasty)) {
      expect(
        NASTY.map((_, id) => rows[id]?.[0]),
        reader,
      ).toEqual(NASTY);
      // The folder's text is the value, too, wherever a reader can tell it from null and from a word of its own.
      const told = (value: string | null): boolean =>
        value !== null && value !== '' && value !== NULL_FOLDER && value.length < 100 && !/^null$/i.test(value);
      for (const [id, value] of NASTY.entries()) {
        if (told(value)) expect(rows[id]?.[1], `${reader}: folder of ${value}`).toBe(value);
      }
    }
    expect(filtered).toEqual({ [NASTY.indexOf('a=b')]: ['a=b', 'a=b'] });
    // Readers make numbers of these folders; the column keeps its text.
    for (const [reader, rows] of Object.entries(numbers))
      expect(
        digits.map((_, id) => rows[id]?.[0]),
        reader,
      ).toEqual(digits);
    expect([Object.keys(nasty).length, Object.keys(numbers).length, none]).toEqual([5, 5, {}]);
  },
  300_000,
);
