import type { Duck } from '../instance.ts';

/**
 * Runs statements whose joins hash the side that is written second. The engine chooses by how many rows it expects, and
 * of Parquet files that are read by field id it expects a thousand each, so that it would hash the whole table.
 */
export async function joinedAsWritten<T>(duck: Duck, work: () => Promise<T>): Promise<T> {
  try {
    await duck.run(`SET GLOBAL disabled_optimizers = 'join_order,build_side_probe_side'`);
    return await work();
  } finally {
    await duck.run('RESET GLOBAL disabled_optimizers');
  }
}
