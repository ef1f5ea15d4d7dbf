import type { Duck } from '../instance.ts';
import { withSettings } from '../settings.ts';

/**
 * Runs statements whose joins hash the side that is written second. The engine chooses by how many rows it expects, and
 * of Parquet files that are read by field id it expects a thousand each, so that it would hash the whole table.
 */
export function joinedAsWritten<T>(duck: Duck, work: () => Promise<T>): Promise<T> {
  return withSettings(duck, { disabled_optimizers: ['join_order', 'build_side_probe_side'] }, work);
}
