import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Projection } from '../../schema/projection.ts';
import { projectSql } from '../sql/project.ts';
import { type CopyJob, copyRows, type StagedFile } from './copy.ts';
import type { Duck } from './instance.ts';
import { linesRelation, seedOf } from './seed.ts';

export interface WriteJob extends Omit<CopyJob, 'schema'> {
  readonly projection: Projection;
  /** Files of JSON lines on this machine's disk; at least one. */
  readonly paths: readonly string[];
}

/** Turns lines into Parquet files. Throws the engine's refusal when a line is not what the projection says. */
export async function writeLines(duck: Duck, job: WriteJob): Promise<StagedFile[]> {
  const { schema } = job.projection;
  await mkdir(job.outDir, { recursive: true });
  const seedPath = join(job.outDir, 'seed.json');
  const seed = seedOf(job.projection.reading);
  await writeFile(seedPath, `${seed.lines.join('\n')}\n`);
  try {
    const select = projectSql(job.projection, linesRelation(seedPath, seed, job.paths));
    return await copyRows(duck, select, { ...job, schema });
  } finally {
    await unlink(seedPath).catch(() => undefined);
  }
}
