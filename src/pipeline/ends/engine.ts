import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Duck, openDuckDb } from '../../engine/duckdb/instance.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { Workspace } from './workspace.ts';

/** The embedded engine with the run's limits; it spills into the run's workspace. */
export async function openEngine(workspace: Workspace, options: SyncOptions): Promise<Duck> {
  const tempDir = join(workspace.dir, 'spill');
  await mkdir(tempDir, { recursive: true });
  return openDuckDb({
    memoryLimitBytes: options.memoryLimitBytes,
    threads: options.threads,
    tempDir,
    tempBudgetBytes: options.tempBudgetBytes,
  });
}
