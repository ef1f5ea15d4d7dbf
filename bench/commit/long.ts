/** Many commits in a row: does each cost as much as the first ones did? With and without expiry of snapshots. */
import { spread } from '../statistics.ts';
import { SERVERS } from './servers.ts';
import { type Cost, PyIceberg, ROWS, Tailrace, type Writer } from './writers.ts';

/** One writer's row of commits. */
export interface LongRow {
  readonly title: string;
  readonly who: string;
  /** Medians of each `STRIDE` commits. */
  readonly points: readonly Cost[];
  /** Milliseconds of each expiry, where there is one. */
  readonly expiries: readonly number[];
}

export interface LongRequest {
  readonly length: number;
  /** PyIceberg, too. */
  readonly beside: boolean;
  readonly dir: string;
  readonly log: (line: string) => void;
}

/** Commits that a point tells of, and after which snapshots expire. */
export const STRIDE = 100;
/** Snapshots that expiry leaves. */
export const KEPT = 10;

interface Runner {
  readonly who: string;
  readonly writer: Writer;
  readonly expire?: () => Promise<number>;
  readonly points: Cost[];
  readonly expiries: number[];
}

/** A row in one catalog of each writer, in turns. */
export async function commitInARow(
  catalog: keyof typeof SERVERS,
  { length, beside, dir, log }: LongRequest,
): Promise<readonly LongRow[]> {
  const server = await SERVERS[catalog](dir);
  const runners: Runner[] = [];
  const add = (who: string, writer: Writer, expire?: () => Promise<number>): void => {
    runners.push({ who, writer, ...(expire === undefined ? {} : { expire }), points: [], expiries: [] });
  };
  try {
    add('tailrace', await Tailrace.open(server, 'kept', dir));
    const expiring = await Tailrace.open(server, 'expiring', dir);
    add(`tailrace, snapshots expire after each ${STRIDE}`, expiring, () => expiring.expire(KEPT));
    if (beside && server.pyiceberg !== undefined) add('PyIceberg', await PyIceberg.open(server, 'theirs'));
    for (let n = 0; n < length; ) {
      const costs = runners.map((): Cost[] => []);
      for (const end = Math.min(n + STRIDE, length); n < end; n += 1)
        for (const [at, { writer }] of runners.entries()) costs[at]?.push(await writer.append(n));
      for (const [at, { points, expiries, expire }] of runners.entries()) {
        points.push(medianOf(costs[at] ?? []));
        if (expire !== undefined) expiries.push(await expire());
      }
      log(`${server.title}, ${n}: ${runners.map(({ points }) => points.at(-1)?.ms.toFixed(0)).join(' · ')} ms`);
    }
    for (const { who, writer } of runners)
      if ((await writer.count()) !== ROWS * length) throw new Error(`${server.title}, ${who}: rows are missing`);
    return runners.map(({ who, points, expiries }) => ({ title: server.title, who, points, expiries }));
  } finally {
    for (const { writer } of runners) await writer.close().catch(() => undefined);
    await server.stop();
  }
}

function medianOf(costs: readonly Cost[]): Cost {
  return { ms: spread(costs.map(({ ms }) => ms)).median, cpuMs: spread(costs.map(({ cpuMs }) => cpuMs)).median };
}
