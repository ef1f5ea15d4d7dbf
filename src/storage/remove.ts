import type { Removed } from '../model/table.ts';
import type { ObjectInfo, Storage } from './port.ts';

/** Objects that are deleted at a time. */
const PARALLEL = 8;

export type Listed = Pick<ObjectInfo, 'key' | 'sizeBytes'>;

/** Deletes what was listed, unless it is only to be counted. */
export async function removeListed(
  storage: Storage,
  objects: readonly Listed[],
  dryRun: boolean | undefined,
): Promise<Removed> {
  if (dryRun !== true)
    await removeKeys(
      storage,
      objects.map(({ key }) => key),
    );
  return { files: objects.length, bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** Deletes objects, some at a time. */
export async function removeKeys(storage: Storage, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += PARALLEL)
    await Promise.all(keys.slice(at, at + PARALLEL).map((key) => storage.delete(key)));
}

/**
 * Deletes what was written for a change that was refused, or never offered, so that nothing will ever name it. Never
 * after an unknown outcome. What cannot be deleted is an orphan, as it would be had the process died here.
 */
export async function discard(storage: Storage, uris: readonly string[]): Promise<void> {
  for (let at = 0; at < uris.length; at += PARALLEL)
    await Promise.allSettled(uris.slice(at, at + PARALLEL).map(async (uri) => storage.delete(storage.key(uri))));
}
