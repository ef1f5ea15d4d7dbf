import { tmpdir } from 'node:os';
import type { DuckOptions } from '../../../src/engine/duckdb/instance.ts';

/** Enough for tests: two hundred megabytes, one thread. */
export const SMALL: DuckOptions = {
  memoryLimitBytes: 200_000_000,
  threads: 1,
  tempDir: tmpdir(),
  tempBudgetBytes: 200_000_000,
};
