import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dropsDeleted, type Projection } from '../../schema/projection.ts';
import { GONE } from '../sql/change.ts';
import { projectSql } from '../sql/project.ts';
import { isWide } from '../sql/wide.ts';
import { type CopyJob, copyApart, type StagedFile } from './copy.ts';
import type { Duck } from './instance.ts';
import { linesRelation, seedOf } from './seed.ts';

export interface WriteJob extends Omit<CopyJob, 'schema'> {
  readonly projection: Projection;
  /** Files of JSON lines on this machine's disk; at least one. */
  readonly paths: readonly string[];
}

/** The keys of deleted items on this machine's disk: a Parquet file with the table's columns, all NULL but for the key
 * columns and `_written_at`. */
export interface DeletedKeys {
  readonly path: string;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface WrittenLines {
  readonly files: readonly StagedFile[];
  /** None unless the lines are changes of a table that keeps only what is there. */
  readonly deletes: readonly DeletedKeys[];
}

/** Turns lines into Parquet files. Throws the engine's refusal when a line is not what the projection says. */
export async function writeLines(duck: Duck, job: WriteJob): Promise<WrittenLines> {
  const { schema } = job.projection;
  await mkdir(job.outDir, { recursive: true });
  const seedPath = join(job.outDir, 'seed.json');
  const seed = seedOf(job.projection);
  await writeFile(seedPath, `${seed.lines.join('\n')}\n`);
  try {
    const select = projectSql(job.projection, linesRelation(seedPath, seed, job.paths));
    const split = dropsDeleted(job.projection) ? { apart: GONE } : {};
    const { files, apart } = await copyApart(duck, select, {
      ...job,
      schema,
      ...split,
      unshared: isWide(job.projection),
    });
    return { files, deletes: apart.map(({ path, rows, sizeBytes }) => ({ path, rows, sizeBytes })) };
  } finally {
    await unlink(seedPath).catch(() => undefined);
  }
}
