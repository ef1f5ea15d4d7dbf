import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from './instance.ts';
import { type LineReading, linesRelation, seedOf } from './seed.ts';

/** How many lines each of these files holds. */
export async function lineCounts(
  duck: Duck,
  reading: LineReading,
  paths: readonly string[],
  dir: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const seed = seedOf(reading);
  const seedPath = join(dir, 'seed-count.json');
  await writeFile(seedPath, `${seed.lines.join('\n')}\n`);
  const rows = await duck.rows(
    `SELECT filename, count(*) AS n FROM ${linesRelation(seedPath, seed, paths)} GROUP BY filename`,
    signal,
  );
  return new Map(rows.map((row) => [String(row['filename']), Number(row['n'])]));
}
