import { resolveOptions } from '../../config/resolve.ts';
import type { SyncOptions } from '../../model/options.ts';
import { normalFilter } from '../../schema/filter/normal.ts';
import { parseSince } from '../../schema/filter/since.ts';
import { parsePartition, parseSort } from '../../schema/partition.ts';

/** The options of a run when nobody sets any; spread them and change what you need. */
export function defaultOptions(): SyncOptions {
  return resolveOptions([], { parsePartition, parseSort, normalFilter, parseSince });
}
