/** The three numbers that a measurement is told in. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Least, middle and greatest of some numbers. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    max: at(sorted.length - 1),
  };
}

/** Ratios of two contenders, round by round: what slowed a round slowed both. */
export function pairRatios(above: readonly number[], below: readonly number[]): Spread {
  const rounds = Math.min(above.length, below.length);
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i += 1) ratios.push((above[i] ?? Number.NaN) / (below[i] ?? Number.NaN));
  return spread(ratios);
}
