import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withFullExport, withWindow } from '../../src/model/ledger.ts';
import type { Ledger } from '../../src/model/table.ts';
import { type ChainOptions, type ChainPlan, planChain } from '../../src/pipeline/chain/chain.ts';
import type { FoundExport } from '../../src/source/port.ts';

const ARN = 'arn:aws:dynamodb:eu-central-1:123456789012:table/Shop';
const NOON = Date.parse('2026-03-01T12:00:00Z');
const time = (second: number): string => new Date(NOON + second * 1000).toISOString();
const secondOf = (iso: string): number => (Date.parse(iso) - NOON) / 1000;

function found(kind: FoundExport['kind'], from: number, to: number, more: Partial<FoundExport> = {}): FoundExport {
  const id = more.exportArn ?? `${kind}-${from}-${to}`;
  return {
    folder: `exports/AWSDynamoDB/${id}`,
    uri: `s3://bucket/exports/AWSDynamoDB/${id}`,
    kind,
    exportArn: id,
    tableArn: ARN,
    tableId: 'id-1',
    tableName: 'Shop',
    from: time(from),
    to: time(to),
    items: 3,
    ...more,
  };
}
const full = (at: number, more?: Partial<FoundExport>): FoundExport => found('full', at, at, more);
const window = (from: number, to: number, more?: Partial<FoundExport>): FoundExport =>
  found('incremental', from, to, more);

const none = { replace: false, acceptGap: false };
const plan = (exports: readonly FoundExport[], ledger?: Ledger, options: Partial<ChainOptions> = {}): ChainPlan =>
  planChain(exports, ledger, { ...none, ...options });

/** What a run would leave in the table. */
function applied({ steps, table }: ChainPlan, before?: Ledger): Ledger {
  let ledger = before;
  for (const { export: each, kind, gapBefore, withinMinute } of steps) {
    const entry = { exportArn: each.exportArn, items: each.items, rejected: 0 };
    ledger =
      kind === 'full'
        ? withFullExport(table, { kind: 'full-export', exportTime: each.from, ...entry }, 'c')
        : withWindow(
            ledger ?? table,
            { kind: 'window', from: each.from, to: each.to, ...(withinMinute ? { withinMinute } : {}), ...entry },
            'c',
            gapBefore,
          );
  }
  if (ledger === undefined) throw new Error('nothing was applied');
  return ledger;
}

const names = (exports: readonly FoundExport[]): string[] => exports.map(({ exportArn }) => exportArn);
const stepNames = ({ steps }: ChainPlan): string[] => names(steps.map((step) => step.export));
const reasons = ({ skipped }: ChainPlan): Record<string, string> =>
  Object.fromEntries(skipped.map((each) => [each.export.exportArn, each.reason]));

describe('a new table', () => {
  test('begins with the full export and takes every window in order, however they are found', () => {
    const chain = [full(0.608), window(-60, 900), window(900, 1800), window(1800, 2700)];
    for (const exports of [chain, [...chain].reverse(), [...chain, ...chain]]) {
      const { steps, skipped, waiting, refusal, warnings } = plan(exports);
      expect(names(steps.map((step) => step.export))).toEqual(names(chain));
      expect(steps.every(({ withinMinute, gapBefore }) => withinMinute === undefined && gapBefore === undefined)).toBe(
        true,
      );
      expect(skipped.map(({ reason }) => reason)).toEqual(exports.length > chain.length ? Array(4).fill('copy') : []);
      expect([waiting, refusal, warnings]).toEqual([[], undefined, []]);
    }
  });

  test('fault 47: the first link: a minute before is proven, up to the whole second is marked, later is a gap', () => {
    const links = (from: number): unknown => {
      const { steps, warnings, gap, gapAfterFullExport } = plan([full(0.608), window(from, 900)]);
      return [steps.length, steps[1]?.withinMinute, warnings.map(({ code }) => code), gap, gapAfterFullExport];
    };
    expect(links(-3600)).toEqual([2, undefined, [], undefined, undefined]);
    expect(links(-60)).toEqual([2, undefined, [], undefined, undefined]);
    expect(links(-59)).toEqual([2, true, ['within-minute'], undefined, undefined]);
    expect(links(0)).toEqual([2, true, ['within-minute'], undefined, undefined]);
    // A real chain begins 69 s late.
    for (const late of [1, 69])
      expect(links(late)).toEqual([
        1,
        undefined,
        [],
        { from: '2026-03-01T12:00:00Z', to: time(late).replace('.000', '') },
        true,
      ]);
  });

  test('a proven link is taken before a longer one that is not', () => {
    const chain = plan([full(0), window(-30, 1800), window(-90, 900)]);
    expect(stepNames(chain)).toEqual(['full-0-0', 'incremental--90-900', 'incremental--30-1800']);
    expect(chain.warnings).toEqual([]);
  });

  test('of several full exports the newest is taken from which the newest state can be reached', () => {
    const windows = [window(-60, 900), window(900, 1800)];
    expect(stepNames(plan([full(0), full(1000), ...windows]))).toEqual(['full-1000-1000', 'incremental-900-1800']);
    expect(reasons(plan([full(0), full(1000), ...windows]))).toEqual({
      'full-0-0': 'older-full-export',
      'incremental--60-900': 'before-watermark',
    });
    expect(stepNames(plan([full(0), full(5000), ...windows]))).toEqual(['full-5000-5000']);
    // Newer, but with a gap to the newest window, which the older one reaches.
    expect(stepNames(plan([full(0), full(1000), window(-60, 2000), window(1500, 3000)]))).toEqual([
      'full-1000-1000',
      'incremental--60-2000',
      'incremental-1500-3000',
    ]);
    expect(stepNames(plan([full(0), full(100), window(-60, 120), window(120, 900), window(90, 119)]))).toEqual([
      'full-100-100',
      'incremental--60-120',
      'incremental-120-900',
    ]);
  });

  test('may begin with a window when there is no full export, with a warning', () => {
    const { steps, warnings } = plan([window(900, 1800), window(0, 900)]);
    expect(names(steps.map((step) => step.export))).toEqual(['incremental-0-900', 'incremental-900-1800']);
    expect(warnings.map(({ code }) => code)).toEqual(['no-baseline']);
  });

  test('overlapping, nested and repeated windows: as few as reach the end', () => {
    const chain = plan([
      full(0),
      window(-60, 900),
      window(-60, 900, { exportArn: 'again' }),
      window(100, 500),
      window(600, 2000),
      window(800, 3000),
    ]);
    expect(stepNames(chain)).toEqual(['full-0-0', 'again', 'incremental-800-3000']);
    expect(reasons(chain)).toEqual({
      'incremental--60-900': 'covered',
      'incremental-100-500': 'covered',
      'incremental-600-2000': 'covered',
    });
  });

  test('several tables are refused, and named', () => {
    expect(() => plan([full(0), full(0, { exportArn: 'b', tableArn: `${ARN}2` })])).toThrow(
      expect.objectContaining({ code: 'LEDGER_REFUSED', found: expect.stringContaining(`${ARN}2`) as string }) as Error,
    );
  });

  test('two folders that claim to be the same export and disagree are refused', () => {
    expect(() => plan([full(0), full(0, { folder: 'copy', items: 4 })])).toThrow(
      expect.objectContaining({ code: 'MANIFEST_BAD' }) as Error,
    );
  });
});

describe('a gap', () => {
  const chain = [full(0), window(-60, 900), window(900, 1800), window(90_000, 90_900), window(90_900, 91_800)];

  test('fault 47: steps before it are applied, what lies behind it waits, and the missing windows are named', () => {
    const { steps, waiting, gap, refusal } = plan(chain, undefined, { place: 's3://lake/shop' });
    expect(steps).toHaveLength(3);
    expect(names(waiting)).toEqual(['incremental-90000-90900', 'incremental-90900-91800']);
    expect(gap).toEqual({ from: '2026-03-01T12:30:00Z', to: '2026-03-02T13:00:00Z' });
    expect(refusal).toMatchObject({ code: 'LEDGER_REFUSED', exitCode: 4, place: 's3://lake/shop' });
    const command = (from: number, to: number): string =>
      `aws dynamodb export-table-to-point-in-time --table-arn ${ARN} --s3-bucket bucket --s3-prefix exports ` +
      `--export-type INCREMENTAL_EXPORT --incremental-export-specification ExportFromTime=${NOON / 1000 + from},` +
      `ExportToTime=${NOON / 1000 + to},ExportViewType=NEW_AND_OLD_IMAGES`;
    expect(refusal?.hint).toContain(`\`${command(1800, 88_200)}\`, \`${command(88_200, 90_000)}\``);
    expect(refusal?.hint).toContain('--accept-gap');
    expect(refusal?.hint).not.toContain('--replace');
  });

  test('--accept-gap records it and goes on', () => {
    const { steps, waiting, refusal, warnings } = plan(chain, undefined, { acceptGap: true });
    expect(steps).toHaveLength(5);
    expect(steps[3]?.gapBefore).toEqual({ from: '2026-03-01T12:30:00Z', to: '2026-03-02T13:00:00Z' });
    expect([waiting, refusal, warnings.map(({ code }) => code)]).toEqual([[], undefined, ['gap-accepted']]);
  });

  test('a window that comes too late into an accepted gap is not applied, and the reason is told', () => {
    const ledger = applied(plan(chain, undefined, { acceptGap: true }));
    expect(plan([window(1800, 3600)], ledger)).toMatchObject({
      steps: [],
      skipped: [{ reason: 'before-watermark', text: expect.stringContaining('accepted') as string }],
      warnings: [{ code: 'window-late', text: expect.stringContaining('stay missing') as string }],
    });
  });

  test('windows to export are a quarter of an hour to a day, and begin a minute before a full export', () => {
    const hint = plan([full(0.608), window(69, 900)]).refusal?.hint ?? '';
    const [, from, to] = /ExportFromTime=(\d+),ExportToTime=(\d+)/.exec(hint) ?? [];
    expect([Number(from) - NOON / 1000, Number(to) - NOON / 1000]).toEqual([69 - 900, 69]);
    const closed = plan([full(0.608), window(69 - 900, 69), window(69, 900)]);
    expect([closed.steps.length, closed.refusal, closed.warnings]).toEqual([3, undefined, []]);
  });

  test('what a manifest says is quoted for the shell', () => {
    const more = { tableArn: `${ARN}$(x)'` };
    expect(plan([full(0, more), window(100, 900, more)]).refusal?.hint).toContain(`'${ARN}$(x)'\\'''`);
  });
});

describe('a table that is there', () => {
  const ledger = applied(plan([full(0), window(-60, 900)]));

  test('fault 49: replays change nothing, and only what carries on is taken', () => {
    const again = plan([full(0), window(-60, 900), window(100, 800)], ledger);
    expect([again.steps, again.waiting, again.refusal]).toEqual([[], [], undefined]);
    expect(Object.values(reasons(again))).toEqual(['held', 'held', 'held']);
    const more = plan([window(1800, 2700), window(-60, 900), window(850, 1800)], ledger);
    expect(stepNames(more)).toEqual(['incremental-850-1800', 'incremental-1800-2700']);
  });

  test('the first link behind a full export alone keeps its rule in the next run', () => {
    const alone = applied(plan([full(0.608)]));
    expect(plan([window(-30, 900)], alone).steps).toMatchObject([{ withinMinute: true }]);
    expect(plan([window(69, 900)], alone)).toMatchObject({ steps: [], gapAfterFullExport: true });
  });

  test('older full exports are passed over; one that is named alone is refused', () => {
    expect(reasons(plan([full(-900), window(-60, 900)], ledger))).toEqual({
      'full--900--900': 'older-full-export',
      'incremental--60-900': 'held',
    });
    expect(plan([full(-900)], ledger).refusal).toMatchObject({
      message: expect.stringContaining('another full export') as string,
    });
  });

  test('a newer full export without a linking window: refused, or --replace', () => {
    const exports = [full(0), window(-60, 900), full(5000), window(4940, 6000)];
    const refused = plan(exports, ledger);
    expect(refused.steps).toEqual([]);
    expect(refused.refusal).toMatchObject({
      code: 'LEDGER_REFUSED',
      hint: expect.stringContaining('--replace') as string,
    });
    const alone = plan([full(5000)], ledger).refusal;
    expect(alone).toMatchObject({ message: expect.stringContaining('no window links') as string });
    expect(alone?.hint).toContain('--replace');
    const replacing = plan(exports, ledger, { replace: true });
    expect(replacing.steps).toMatchObject([{ kind: 'full', replaces: true }, { kind: 'window' }]);
    const anew = applied(replacing);
    expect(plan(exports, anew, { replace: true }).steps).toEqual([]);
    expect(plan([...exports, window(900, 6000)], ledger).steps).toMatchObject([{ kind: 'window' }]);
  });

  test('--replace without need replaces nothing; a full export that is named alone is meant', () => {
    const chain = [full(0), window(-60, 900), full(600), window(900, 1800)];
    expect(plan(chain, ledger, { replace: true }).steps).toMatchObject([{ kind: 'window' }]);
    expect(plan([full(-900)], ledger, { replace: true }).steps).toMatchObject([{ kind: 'full', replaces: true }]);
    expect(plan(chain, ledger, { replace: true, remake: true }).steps).toMatchObject([
      { kind: 'full', replaces: true, export: { exportArn: 'full-600-600' } },
      { kind: 'window' },
      { kind: 'window' },
    ]);
  });

  test("fault 48: another table's exports are left out, and a recreated table's are refused", () => {
    const other = window(900, 1800, { tableArn: `${ARN}2`, exportArn: 'other' });
    const recreated = window(900, 1800, { tableId: 'id-2', exportArn: 'recreated' });
    expect(plan([other, window(900, 1800)], ledger)).toMatchObject({
      steps: [{ export: { exportArn: 'incremental-900-1800' } }],
      skipped: [{ reason: 'other-table' }],
      warnings: [{ code: 'other-table' }],
    });
    expect(() => plan([other], ledger)).toThrow(/holds another DynamoDB table/);
    expect(() => plan([recreated], ledger)).toThrow(/deleted and made again/);
    const mixed = plan([window(900, 1200), recreated], ledger);
    expect(mixed.steps).toHaveLength(1);
    expect(mixed.refusal?.message).toContain('deleted and made again');
    expect(plan([window(900, 1800), { ...recreated, from: time(-99), to: time(-90) }], ledger).refusal).toBeUndefined();
  });
});

describe('any set of exports', () => {
  const seconds = fc.integer({ min: -200, max: 1200 });
  const exportsOf = (fullsMin: number) =>
    fc
      .record({
        fulls: fc.uniqueArray(fc.integer({ min: -100, max: 1000 }), { minLength: fullsMin, maxLength: 4 }),
        subSecond: fc.constantFrom(0, 0.608),
        windows: fc.array(fc.tuple(seconds, fc.integer({ min: 1, max: 400 })), { maxLength: 12 }),
      })
      .chain(({ fulls, subSecond, windows }) => {
        const all = [
          ...fulls.map((at) => full(at + subSecond)),
          ...windows.map(([from, length], index) => window(from, from + length, { exportArn: `w${index}` })),
        ];
        return fc.shuffledSubarray(all, { minLength: all.length });
      })
      .filter((all) => all.length > 0);

  /** How far one comes from a time, by trying every window again and again. */
  function reach(start: number, baseline: boolean, windows: readonly FoundExport[]): number {
    let at = start;
    for (let before = Number.NaN; before !== at; ) {
      before = at;
      for (const { from, to } of windows)
        if (secondOf(from) <= (baseline && at === start ? Math.floor(start) : at)) at = Math.max(at, secondOf(to));
    }
    return at;
  }

  test('is planned as far as any chain reaches, second by second without a hole', () => {
    fc.assert(
      fc.property(exportsOf(0), (exports) => {
        const planned = plan(exports);
        const windows = exports.filter(({ kind }) => kind === 'incremental');
        const fulls = exports.filter(({ kind }) => kind === 'full');
        const ledger = applied(planned);
        const reachable =
          fulls.length > 0
            ? fulls.map(({ to }) => reach(secondOf(to), true, windows))
            : [reach(Math.min(...windows.map(({ from }) => secondOf(from))), false, windows)];
        expect(secondOf(ledger.watermark)).toBe(Math.max(...reachable));
        // The seconds of applied windows, one by one.
        const held = new Set<number>();
        for (const { export: each, kind } of planned.steps)
          if (kind === 'window') for (let s = secondOf(each.from); s < secondOf(each.to); s += 1) held.add(s);
        const begin = planned.steps[0]?.kind === 'full' ? secondOf(planned.steps[0].export.to) : Math.min(...held);
        for (let s = Math.floor(begin); s < secondOf(ledger.watermark) && planned.steps.length > 1; s += 1)
          expect(held.has(s)).toBe(true);
        const proven = planned.steps[0]?.kind === 'full' && !planned.steps.some((step) => step.withinMinute === true);
        if (proven && planned.steps.length > 1)
          for (let s = Math.ceil(begin - 60); s < begin; s += 1) expect(held.has(s)).toBe(true);
        // Everything has its place, and what waits is refused.
        expect(
          names([
            ...planned.steps.map((s) => s.export),
            ...planned.skipped.map((s) => s.export),
            ...planned.waiting,
          ]).sort(),
        ).toEqual(names(exports).sort());
        expect(planned.refusal !== undefined).toBe(planned.waiting.length > 0);
        expect(planned.waiting.every(({ to }) => secondOf(to) > secondOf(ledger.watermark))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('fault 49: offered again, twice, in any order: nothing is applied again', () => {
    fc.assert(
      fc.property(exportsOf(0), fc.boolean(), fc.boolean(), (exports, acceptGap, replace) => {
        const first = plan(exports, undefined, { acceptGap, replace });
        const ledger = applied(first);
        const copies = exports.map((each) => ({ ...each, folder: `${each.folder}-copy` }));
        const again = plan([...copies, ...exports], ledger, { acceptGap, replace });
        expect(again.steps).toEqual([]);
        expect(names(again.waiting)).toEqual(names(first.waiting));
        if (acceptGap) expect(first.waiting).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('that comes bit by bit: every second behind the full export is in a window or an accepted gap, once', () => {
    fc.assert(
      fc.property(exportsOf(1), fc.integer({ min: 1, max: 4 }), fc.boolean(), (exports, parts, acceptGap) => {
        const fulls = exports.filter(({ kind }) => kind === 'full').slice(0, 1);
        const windows = exports.filter(({ kind }) => kind === 'incremental');
        let ledger = applied(plan(fulls));
        const steps: string[] = [];
        for (let part = 1; part <= parts; part += 1) {
          const before = secondOf(ledger.watermark);
          const offered = [...fulls, ...windows.slice(0, Math.ceil((windows.length * part) / parts))];
          const next = plan(offered, ledger, { acceptGap });
          steps.push(...stepNames(next));
          ledger = applied(next, ledger);
          expect(secondOf(ledger.watermark)).toBeGreaterThanOrEqual(before);
        }
        expect(new Set(steps).size).toBe(steps.length);
        const begin = Math.floor(secondOf(fulls[0]?.to ?? ''));
        const inRanges = (s: number): boolean =>
          [...(ledger.covered ?? []), ...(ledger.gaps ?? [])].some(
            ({ from, to }) => secondOf(from) <= s && s < secondOf(to),
          );
        if (steps.length > 0)
          for (let s = begin; s < secondOf(ledger.watermark); s += 1) expect(inRanges(s)).toBe(true);
        if (!acceptGap) expect(ledger.gaps).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

test('ten thousand windows are planned in a moment', () => {
  const windows = Array.from({ length: 10_000 }, (_, index) => window(index * 900 - 60, index * 900 + 840));
  const started = performance.now();
  expect(plan([full(0), full(900_000), ...windows.reverse()]).steps).toHaveLength(9_001);
  expect(performance.now() - started).toBeLessThan(2_000);
});
