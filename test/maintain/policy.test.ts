import { describe, expect, test } from 'vitest';
import { DELETED_SHARE, LOWEST_TIER_BYTES, planRewrites, TIER_FILES } from '../../src/maintain/policy.ts';
import type { DeleteFile, LiveFile } from '../../src/model/table.ts';

const MB = 1_000_000;
const LIMITS = { targetFileSizeBytes: 512 * MB, groupBytes: 4000 * MB, budgetBytes: Infinity };

function file(path: string, sizeBytes: number, more: Partial<LiveFile> = {}): LiveFile {
  return { path, rows: 1000, sizeBytes, partition: [], stats: {}, splitOffsets: [], ...more };
}
const deletes = (path: string, rows: number, dataFile?: string): DeleteFile => ({
  path,
  rows,
  sizeBytes: 100,
  ...(dataFile === undefined ? {} : { dataFile }),
});
const many = (count: number, sizeBytes: number, name = 'f'): LiveFile[] =>
  Array.from({ length: count }, (_, i) => file(`${name}${i}`, sizeBytes));
const paths = (groups: readonly { readonly files: readonly LiveFile[] }[]): string[][] =>
  groups.map(({ files }) => files.map(({ path }) => path).sort());

describe('deleted rows', () => {
  test.each([
    [DELETED_SHARE, true],
    [DELETED_SHARE - 0.001, false],
  ])('a share of %d is written anew: %s', (share, wanted) => {
    const worn = file('a', 300 * MB, { deletes: [deletes('d', share * 1000, 'a')] });
    const { groups } = planRewrites([worn, file('b', 300 * MB)], LIMITS);
    expect(paths(groups)).toEqual(wanted ? [['a']] : []);
  });

  test('in files of the lowest tier wait for their join', () => {
    const worn = file('a', LOWEST_TIER_BYTES - 1, { deletes: [deletes('d', 900, 'a')] });
    expect(planRewrites([worn], LIMITS).groups).toEqual([]);
    expect(planRewrites([worn, ...many(TIER_FILES - 1, 1000)], LIMITS).groups).toMatchObject([{ why: 'small' }]);
  });

  test('of a delete file that speaks of several data files count in parts', () => {
    const shared = deletes('d', 400);
    const files = ['a', 'b'].map((path) => file(path, 300 * MB, { deletes: [shared] }));
    expect(planRewrites(files, LIMITS).groups).toEqual([]);
    expect(paths(planRewrites(files.slice(0, 1), LIMITS).groups)).toEqual([['a']]);
  });

  test('of a delete file that speaks of several data files take all of those along, or none', () => {
    const shared = deletes('d', 300);
    const files = [
      file('a', 300 * MB, { deletes: [shared, deletes('own', 200, 'a')] }),
      file('b', 300 * MB, { deletes: [shared] }),
      file('c', 300 * MB, { deletes: [deletes('its-own', 10, 'c')] }),
    ];
    expect(paths(planRewrites(files, LIMITS).groups)).toEqual([['a', 'b']]);
    expect(planRewrites(files, { ...LIMITS, groupBytes: 400 * MB })).toEqual({ groups: [], left: 2 });
  });
});

describe('small files', () => {
  test(`are joined once there are ${TIER_FILES} of a tier, in each partition by itself`, () => {
    expect(planRewrites(many(TIER_FILES - 1, MB / 10), LIMITS).groups).toEqual([]);
    expect(paths(planRewrites(many(TIER_FILES, MB / 10), LIMITS).groups)).toHaveLength(1);
    const apart = many(2 * (TIER_FILES - 1), MB / 10).map((one, i) => ({ ...one, partition: [i % 2 === 0 ? 1 : '1'] }));
    expect(planRewrites(apart, LIMITS).groups).toEqual([]);
  });

  test('a join takes along the tier that it would fill', () => {
    const small = many(TIER_FILES, LOWEST_TIER_BYTES * 0.9, 's');
    const next = many(TIER_FILES - 1, LOWEST_TIER_BYTES * 2, 'm');
    const far = many(TIER_FILES - 1, LOWEST_TIER_BYTES * 90, 'l');
    expect(paths(planRewrites([...small, ...next, ...far], LIMITS).groups)).toEqual([
      [...next, ...small].map(({ path }) => path).sort(),
    ]);
  });

  test('files near the size that is aimed at are left alone', () => {
    expect(planRewrites(many(50, 128 * MB), LIMITS).groups).toEqual([]);
  });
});

test('limits: groups are cut, the cheapest come first, and what is left is told', () => {
  const inPartition = (p: number, size: number): LiveFile[] =>
    many(TIER_FILES, size, `p${p}-`).map((one) => ({ ...one, partition: [p] }));
  const files = [...inPartition(1, 10 * MB), ...inPartition(2, 0.1 * MB), ...inPartition(3, 100 * MB)];
  const plan = planRewrites(files, { ...LIMITS, budgetBytes: 100 * MB });
  expect(plan.groups.map(({ bytes }) => Math.round(bytes / MB))).toEqual([1, 80]);
  expect(plan.left).toBe(TIER_FILES);
  const cut = planRewrites(many(20, 100 * MB), { ...LIMITS, groupBytes: 1000 * MB });
  expect(cut.groups.map(({ files: own }) => own.length)).toEqual([10, 10]);
});

describe('over many windows', () => {
  /** Adds a file a window and does what the policy says; counts what is written anew. */
  function simulate(windows: number, bytes: number): { readonly rewritten: number; readonly most: number } {
    let files: LiveFile[] = [];
    let rewritten = 0;
    let most = 0;
    for (let n = 0; n < windows; n += 1) {
      files.push(file(`w${n}`, bytes));
      for (const { files: own, bytes: size } of planRewrites(files, LIMITS).groups) {
        rewritten += size;
        const gone = new Set(own);
        files = [...files.filter((one) => !gone.has(one)), file(`j${n}`, size)];
      }
      most = Math.max(most, files.length);
    }
    return { rewritten, most };
  }

  test.each([10_000, 1 * MB, 20 * MB])('of %d bytes, work grows by n log n and files stay few', (bytes) => {
    const [short, long] = [simulate(125, bytes), simulate(1000, bytes)];
    const tiers = Math.ceil(Math.log(1000) / Math.log(TIER_FILES)) + 1;
    // Within the lowest tier a file may be joined up to its ceiling again and again: what a join reads is bounded.
    const lowest = (1000 / (TIER_FILES - 1)) * LOWEST_TIER_BYTES;
    expect(long.rewritten).toBeLessThan(1000 * bytes * tiers + lowest);
    expect(long.rewritten / short.rewritten).toBeLessThan(8 * 2.5);
    const large = Math.ceil((1000 * bytes) / (128 * MB));
    expect(long.most).toBeLessThanOrEqual((TIER_FILES - 1) * tiers + 1 + large);
  });
});
