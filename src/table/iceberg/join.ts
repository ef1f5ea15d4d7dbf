/** Small manifests become larger ones: every commit adds some, and each one costs a reader a request. */
import type { JoinManifests } from '../../model/table.ts';
import type { LiveManifest } from './live.ts';
import type { WrittenManifest } from './manifest.ts';
import { existingEntry } from './manifest.ts';
import type { ManifestFile } from './manifest-list.ts';

/** Iceberg's defaults of commit.manifest.min-count-to-merge and commit.manifest.target-size-bytes. */
export const JOIN_DEFAULTS: JoinManifests = { minCount: 100, targetBytes: 8 * 1024 * 1024 };

/** The manifests to be joined, by the manifest that they become: of one spec and content each, at least two. */
export function joinable(
  lines: readonly ManifestFile[],
  { minCount, targetBytes }: JoinManifests,
): readonly (readonly ManifestFile[])[] {
  const groups = new Map<string, ManifestFile[]>();
  for (const line of lines) {
    if (line.manifest_length >= BigInt(targetBytes)) continue;
    const key = `${line.partition_spec_id} ${line.content === 0}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()]
    .filter((group) => group.length >= Math.max(minCount, 2))
    .flatMap((group) => bins(group, targetBytes));
}

/** One manifest of all live entries; which snapshot added a file, and its sequence numbers, stay. */
export function joinedManifest(manifests: readonly LiveManifest[]): readonly WrittenManifest[] {
  const line = manifests[0]?.line;
  if (line === undefined) return [];
  return [
    {
      specId: line.partition_spec_id,
      content: line.content === 0 ? 'data' : 'deletes',
      entries: manifests.flatMap(({ entries }) => entries.map(existingEntry)),
    },
  ];
}

function bins(lines: readonly ManifestFile[], targetBytes: number): readonly (readonly ManifestFile[])[] {
  const all: ManifestFile[][] = [];
  let size = 0n;
  for (const line of lines) {
    size += line.manifest_length;
    const last = all.at(-1);
    if (last !== undefined && size <= BigInt(targetBytes)) last.push(line);
    else {
      all.push([line]);
      size = line.manifest_length;
    }
  }
  return all.filter((bin) => bin.length > 1);
}
