import type { Sample } from '../measure.ts';
import { pairRatios } from '../statistics.ts';
import type { Ratio } from './report.ts';

/** The ratios that this benchmark is for, with what was aimed at. */
const AIMS = [
  { name: '(a) / (d): document 2 against tailrace', above: 'a: Spark, document 2', below: 'd: tailrace', atLeast: 12 },
  {
    name: '(b) / (d): typed, warm Spark against tailrace',
    above: 'b: Spark, schema given, warm',
    below: 'd: tailrace',
    atLeast: 3,
  },
  {
    name: '(d) / (c): tailrace against DuckDB by hand in Node',
    above: 'd: tailrace',
    below: 'c: DuckDB by hand (Node)',
    atMost: 1.2,
  },
  {
    name: '(d) / (c): tailrace against DuckDB by hand in Python',
    above: 'd: tailrace',
    below: 'c: DuckDB by hand (Python)',
    atMost: 1.2,
  },
] as const;

/** Holds the samples against the aims; a pair that was not measured is left out. */
export function aims(samples: ReadonlyMap<string, readonly Sample[]>): readonly Ratio[] {
  return AIMS.flatMap((aim) => {
    const above = (samples.get(aim.above) ?? []).map((sample) => sample.seconds);
    const below = (samples.get(aim.below) ?? []).map((sample) => sample.seconds);
    const rounds = Math.min(above.length, below.length);
    if (rounds === 0) return [];
    const ratio = pairRatios(above, below);
    const met = 'atLeast' in aim ? ratio.median >= aim.atLeast : ratio.median <= aim.atMost;
    return [{ name: aim.name, aim: 'atLeast' in aim ? `≥ ${aim.atLeast}` : `≤ ${aim.atMost}`, met, ratio, rounds }];
  });
}
