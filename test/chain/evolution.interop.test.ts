/** A column that is rewritten under its name keeps its values for every reader, and older snapshots theirs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PartitionRequest } from '../../src/model/options.ts';
import { folderOf, World } from '../faults/load.ts';
import type { Canon } from '../interop/canonical.ts';
import { type ReadRequest, type Row, readersOf, readTables } from '../interop/readers.ts';
import { python } from '../toolchain/tools.ts';
import { type Put, writeSteps } from './steps.ts';

const WIDE = '123456789012345678901234567890';
/** n is a long, a decimal, one of a larger scale, the same column with more digits, and text. */
const NUMBERS = [['1', '2', '3'], ['9.99'], ['0.123456'], [WIDE], ['1E-120']] as const;
/** Behind this step the column has grown in place: files of both widths are in the table. */
const GROWN = 3;
const LAYOUTS: Record<string, readonly PartitionRequest[]> = {
  plain: [],
  identity: [{ transform: 'identity', column: 'n' }],
  bucket: [{ transform: 'bucket', width: 4, column: 'n' }],
};

const put = (step: number, i: number, text: string): Put => ({
  pk: { S: `k${step}-${i}` },
  n: { N: text },
  s: { M: { n: { N: text } } },
  // Lists of decimals, the later one of more digits.
  ...(step === 1 || step === GROWN ? { l: { L: [{ N: step === 1 ? '1.5' : `${WIDE.slice(0, 20)}.25` }] } } : {}),
});
const numberOf = (n: Canon | undefined): string => (typeof n === 'string' ? n : (n as { $n: string }).$n);
/** The number of a row, held against those within its struct and its list. */
function numberIn({ n, s, l }: Row): string {
  const text = numberOf(n);
  expect(numberOf((s as { $s: Record<string, Canon> }).$s.n)).toBe(text);
  const inList = text === '9.99' ? '1.5' : text === WIDE ? `${WIDE.slice(0, 20)}.25` : undefined;
  expect(((l ?? []) as Canon[]).map(numberOf)).toEqual(inList === undefined ? [] : [inList]);
  return text;
}
const plain = (text: string): string => (text === '1E-120' ? `0.${'0'.repeat(119)}1` : text);
/** PyIceberg takes a number for a decimal only with as many places. */
const scaled = (text: string): string =>
  `${text}${text.includes('.') ? '' : '.'}`.replace(/(?<=\.)(\d*)$/, (places) => places.padEnd(8, '0'));
const expected = (step: number): string[] =>
  NUMBERS.slice(0, step + 1)
    .flat()
    .map(plain)
    .sort();

describe.skipIf(python === undefined)('readers of a table whose column was rewritten', () => {
  let world: World;
  const requests: { readonly request: ReadRequest; readonly values: readonly string[] }[] = [];

  beforeAll(async () => {
    world = await World.open();
    const [full = [], ...windows] = NUMBERS.map((texts, step) => texts.map((text, i) => put(step, i, text)));
    const { exports } = await writeSteps(`${world.dir}/source`, full, windows);
    for (const [name, partition] of Object.entries(LAYOUTS)) {
      const target = world.target('iceberg', name);
      const location = folderOf(target);
      const sort = [{ column: 'n', descending: false, nullsFirst: true }];
      const add = (request: Omit<ReadRequest, 'location' | 'format'>, values: readonly string[]): void => {
        requests.push({ request: { location, format: 'iceberg', ...request }, values });
      };
      for (const [step, dir] of exports.entries()) {
        const { snapshot = '' } = await world.load(dir, target, { partition, sort });
        add({ snapshot }, expected(step));
      }
      add({}, expected(NUMBERS.length - 1));
      add({ filter: "n = '9.99'" }, ['9.99']);
      add({ filter: "pk = 'k0-1'" }, ['2']);

      const grown = world.target('iceberg', `${name}-grown`);
      const at = { location: folderOf(grown), format: 'iceberg' } as const;
      const held = expected(GROWN);
      for (const dir of exports.slice(0, GROWN + 1)) await world.load(dir, grown, { partition, sort });
      requests.push({ request: at, values: held });
      for (const text of ['2', '9.99', '0.123456', WIDE])
        requests.push({ request: { ...at, filter: `n = ${scaled(text)}` }, values: [text] });
      requests.push({ request: { ...at, filter: `n > ${scaled('5')}` }, values: ['9.99', WIDE].sort() });
      requests.push({
        request: { ...at, filter: `n < ${scaled('5')}` },
        values: held.filter((text) => Number(text) < 5),
      });
    }
  }, 600_000);
  afterAll(() => world[Symbol.asyncDispose]());

  test.each(readersOf('iceberg'))('%s reads all values exactly, now and in every older snapshot', async (reader) => {
    const rows = await readTables(
      reader,
      requests.map(({ request }) => request),
    );
    const got = requests.map(({ request }, i) => ({ ...request, values: (rows[i] ?? []).map(numberIn).sort() }));
    expect(got).toEqual(requests.map(({ request, values }) => ({ ...request, values })));
  });
});
