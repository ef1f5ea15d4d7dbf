import { describe, expect, test } from 'vitest';
import { Pacer } from '../../src/pacing/pacer.ts';
import { settleRate } from '../../src/pacing/rate.ts';
import { Retrier } from '../../src/pacing/retry.ts';
import { VirtualClock } from './virtual-clock.ts';

const { signal } = new AbortController();

interface Spent {
  readonly at: number;
  readonly units: number;
}

/** Workers that call without pause a table whose calls take 20 to 120 ms and cost what `cost` says. */
async function spend(
  pacer: Pacer,
  clock: VirtualClock,
  seconds: number,
  cost: (at: number) => number,
): Promise<Spent[]> {
  const spent: Spent[] = [];
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const worker = async (): Promise<void> => {
    while (clock.nowMs() < seconds * 1000) {
      await pacer.pace(
        async () => {
          const at = clock.nowMs();
          const units = cost(at);
          spent.push({ at, units });
          await clock.sleep(20 + 100 * random(), signal);
          return units;
        },
        { costOf: (units) => units, signal },
      );
    }
  };
  void Promise.all(Array.from({ length: 8 }, worker));
  await clock.run(seconds * 1000);
  return spent;
}

/** The most and the least that was spent within any 30 seconds, against the rate. */
function windows(
  spent: readonly Spent[],
  rate: number,
  seconds: number,
): { readonly most: number; readonly least: number } {
  const sums: number[] = [];
  for (let from = 0; from + 30 <= seconds; from += 3)
    sums.push(
      spent.filter(({ at }) => at >= from * 1000 && at < (from + 30) * 1000).reduce((sum, { units }) => sum + units, 0),
    );
  return { most: Math.max(...sums) / (rate * 30), least: Math.min(...sums) / (rate * 30) };
}

describe('a pacer', () => {
  const bursts = (at: number): number => (Math.floor(at / 7_000) % 2 === 0 ? 128.5 : 0.5 + (Math.floor(at) % 40));
  test.each([300, 500, 1_500])(
    'keeps %i units a second within 5 % over each half minute, whatever calls cost',
    async (rate) => {
      const clock = new VirtualClock();
      const pacer = new Pacer({ unitsPerSecond: rate, firstEstimate: 128, clock });
      // Small calls cannot spend so many units a second.
      const cost = rate > 1_000 ? (): number => 128.5 : bursts;
      const spent = await spend(pacer, clock, 120, cost);
      const { most, least } = windows(spent, rate, 120);
      expect(most).toBeLessThan(1.05);
      expect(least).toBeGreaterThan(0.95);
    },
  );

  test('keeps a slow pace within 5 % where calls are as small as it is', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer({ unitsPerSecond: 25, firstEstimate: 128, clock });
    const spent = await spend(pacer, clock, 100, () => 12.5);
    const { most, least } = windows(
      spent.filter(({ at }) => at > 20_000).map((each) => ({ ...each, at: each.at - 20_000 })),
      25,
      80,
    );
    expect(most).toBeLessThan(1.05);
    expect(least).toBeGreaterThan(0.95);
  });

  test('fault 67: a throttled call slows all, and the pace comes back', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer({ unitsPerSecond: 1_000, firstEstimate: 128, clock });
    pacer.throttled();
    pacer.throttled();
    expect(pacer.unitsPerSecond).toBe(700);
    for (let call = 0; call < 40; call += 1) {
      void clock.sleep(600, signal);
      await clock.run();
      pacer.throttled();
    }
    expect(pacer.unitsPerSecond).toBe(50);
    void clock.sleep(60_000, signal);
    await clock.run();
    expect(pacer.unitsPerSecond).toBe(1_000);
  });

  test('without a rate, a throttled call begins one', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer({ unitsPerSecond: Number.POSITIVE_INFINITY, firstEstimate: 128, clock });
    await spend(pacer, clock, 3, () => 128);
    const before = pacer.usedPerSecond;
    pacer.throttled();
    expect(pacer.unitsPerSecond).toBeCloseTo(before * 0.7);
  });

  test('a call that fails costs nothing, and an interrupted one leaves the queue', async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer({ unitsPerSecond: 10, firstEstimate: 10, clock });
    const paced = { costOf: () => 10, signal };
    await expect(pacer.pace(() => Promise.reject(new Error('no')), paced)).rejects.toThrow('no');
    expect(pacer.used).toBe(0);
    await pacer.pace(async () => 1, paced);
    const abort = new AbortController();
    const waiting = pacer.pace(async () => 2, { ...paced, signal: abort.signal });
    const behind = pacer.pace(async () => 3, paced);
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    await clock.run();
    expect(await behind).toBe(3);
  });
});

describe('a retrier', () => {
  const limits = { attemptsMax: 4, budget: 20, cost: 5, backoffBaseMs: 100, backoffCapMs: 1_000 };

  test('repeats what may pass, so many times, and what is final never', async () => {
    const clock = new VirtualClock();
    const retrier = new Retrier({ limits, clock });
    let calls = 0;
    const fail = async (): Promise<never> => {
      calls += 1;
      throw new Error(`call ${calls}`);
    };
    await expect(retrier.run(fail, () => 'final', signal)).rejects.toThrow('call 1');
    const failed = expect(retrier.run(fail, () => 'transient', signal)).rejects.toThrow('call 5');
    await clock.run();
    await failed;
    expect(retrier.repeats).toBe(3);
  });

  test('gives up sooner where the service has never answered', async () => {
    const clock = new VirtualClock();
    const retrier = new Retrier({ limits: { ...limits, firstAttemptsMax: 2 }, clock });
    const fail = (): Promise<never> => Promise.reject(new Error('nobody there'));
    for (const repeats of [1, 1 + 3]) {
      const failed = expect(retrier.run(fail, () => 'transient', signal)).rejects.toThrow('nobody there');
      await clock.run();
      await failed;
      expect(retrier.repeats).toBe(repeats);
      await retrier.run(
        async () => 'here',
        () => 'final',
        signal,
      );
    }
  });

  test('all callers share one budget, which successes fill again', async () => {
    const clock = new VirtualClock();
    const retrier = new Retrier({ limits: { ...limits, attemptsMax: 100 }, clock });
    const fail = (): Promise<never> => Promise.reject(new Error('down'));
    const all = Promise.allSettled(Array.from({ length: 8 }, () => retrier.run(fail, () => 'transient', signal)));
    await clock.run();
    await all;
    expect(retrier.repeats).toBe(4);
    for (let call = 0; call < 5; call += 1)
      await retrier.run(
        async () => call,
        () => 'final',
        signal,
      );
    const again = retrier.run(fail, () => 'transient', signal).catch(() => undefined);
    await clock.run();
    await again;
    expect(retrier.repeats).toBe(5);
    // However long all went well, the budget is no larger.
    for (let call = 0; call < 200; call += 1)
      await retrier.run(
        async () => call,
        () => 'final',
        signal,
      );
    const down = retrier.run(fail, () => 'transient', signal).catch(() => undefined);
    await clock.run();
    await down;
    expect(retrier.repeats).toBe(9);
  });

  test('fault 67: a throttled call is repeated for as long as it takes, with waits that grow up to a cap', async () => {
    const clock = new VirtualClock();
    let told = 0;
    const retrier = new Retrier({ limits, clock, random: () => 1, onThrottled: () => (told += 1) });
    let calls = 0;
    const work = async (): Promise<string> => {
      calls += 1;
      if (calls <= 50) throw new Error('slower');
      return 'done';
    };
    const done = retrier.run(work, () => 'throttled', signal);
    await clock.run();
    expect(await done).toBe('done');
    expect(told).toBe(50);
    expect(clock.nowMs()).toBe(200 + 400 + 800 + 47 * 1_000);
  });
});

test('a rate is what was asked for, or a share of what the table can give', () => {
  const units = (asked: Parameters<typeof settleRate>[0], throughput = {}): number =>
    settleRate(asked, throughput).unitsPerSecond;
  expect(units({ kind: 'units', units: 500 }, { provisioned: 10 })).toBe(500);
  expect(units({ kind: 'share', share: 0.3 }, { provisioned: 1_000, warm: 12_000 })).toBe(300);
  expect(units({ kind: 'share', share: 0.3 }, { maximum: 2_000, warm: 12_000 })).toBe(600);
  expect(units(undefined, { warm: 12_000 })).toBe(3_000);
  expect(units(undefined)).toBe(500);
  expect(units({ kind: 'share', share: 0.01 }, { provisioned: 5 })).toBe(1);
  expect(units({ kind: 'unlimited' })).toBe(Number.POSITIVE_INFINITY);
  expect(settleRate(undefined, { provisioned: 400 }).why).toBe('25 % of 400 provisioned');
});
