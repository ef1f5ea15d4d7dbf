import type { Removed } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { type Listed, removeListed } from '../../storage/remove.ts';
import { below } from '../paths.ts';
import { newestVersion, readHint } from './version.ts';

const VERSION = /^v(\d+)(?:\.gz)?\.metadata\.json$/;

/**
 * Deletes metadata of versions below the newest `keep`, once the log no longer names any that is older than a time.
 * A writer that still wants to write such a version would not find it taken: see `publish`.
 */
export async function retireMetadata(
  storage: Storage,
  location: string,
  options: { readonly keep: number; readonly olderThanMs: number; readonly dryRun?: boolean },
): Promise<Removed> {
  const { keep, olderThanMs, dryRun } = options;
  const newest = await newestVersion(storage, location);
  const oldest = newest?.metadata['metadata-log']?.[0];
  if (newest === undefined || oldest === undefined || oldest['timestamp-ms'] >= olderThanMs)
    return { files: 0, bytes: 0 };
  // Readers begin at the hint and go up: what lies at or above it must stay.
  const hint = (await readHint(storage, location)) ?? newest.version;
  const logged = versionOf(oldest['metadata-file']) ?? 0;
  const last = Math.min(newest.version - keep, hint, logged);
  const retired: Listed[] = [];
  const folder = below(location, 'metadata/');
  for await (const { key, sizeBytes } of storage.list(`${folder}v`)) {
    const version = versionOf(key);
    if (version !== undefined && version < last) retired.push({ key, sizeBytes });
  }
  return removeListed(storage, retired, dryRun);
}

function versionOf(path: string): number | undefined {
  const match = VERSION.exec(path.slice(path.lastIndexOf('/') + 1));
  return match === null ? undefined : Number(match[1]);
}
