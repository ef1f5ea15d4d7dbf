/** Folders of generations that no longer count, or never did. */
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import { heldFolders } from '../../model/scan-ledger.ts';
import type { ObjectInfo, Storage } from '../../storage/port.ts';
import { decodeManifest, MANIFEST_NAME, type Manifest, PREVIOUS_MAX } from './manifest.ts';

export const GENERATION = /^g-[A-Za-z0-9_-]+$/;
/** Files that are deleted at a time. */
const DELETES_AT_ONCE = 8;

/** The folder of a commit's files. It follows from the commit id alone, which is fixed before the first attempt. */
export function generationOf(commitId: string): string {
  const generation = `g-${commitId}`;
  if (!GENERATION.test(generation)) {
    throw new TailraceError('INTERNAL', `The commit id “${commitId}” cannot name a folder.`);
  }
  return generation;
}

/** What a sweep removed. */
export interface Swept {
  readonly generations: number;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes generations that were replaced before a time, and what killed loads left behind before it: their generations
 * and journals. The time must lie further back than the longest load takes, and than readers need to find the new path.
 * The generation that counts is never touched, nor what an interrupted scan goes on from.
 */
export async function sweepGenerations(
  storage: Storage,
  location: string,
  { olderThanMs, dryRun }: { readonly olderThanMs: number; readonly dryRun?: boolean },
): Promise<Swept> {
  const table = storage.key(location).replace(/\/*$/, '');
  const folder = table === '' ? '' : `${table}/`;
  const loads = await loadsIn(storage, folder);
  let [generations, files, bytes] = [0, 0, 0];
  for (const [id, load] of loads) {
    // Read anew each time: a load that was killed long ago may be taken up, and committed, at any moment.
    const manifest = await readManifest(storage, `${folder}${MANIFEST_NAME}`);
    if (manifest !== undefined && isNeeded(manifest, generationOf(id))) load.data.length = 0;
    if (heldFolders(manifest?.ledger).has(id)) load.journal.length = 0;
    const replacedMs = manifest && replacedAt(manifest, generationOf(id));
    const old = load.newestMs < olderThanMs;
    const sweeps = replacedMs === undefined ? old && forgotten(manifest, olderThanMs) : replacedMs < olderThanMs;
    // The journal first: a load must not be taken up by a journal that names files which are gone.
    const doomed = [...(old ? load.journal : []), ...(sweeps ? load.data : [])];
    if (doomed.length === 0) continue;
    if (dryRun !== true)
      await deleteFiles(
        storage,
        doomed.map(({ key }) => key),
      );
    files += doomed.length;
    bytes += doomed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (sweeps && load.data.length > 0) generations += 1;
  }
  return { generations, files, bytes };
}

/** Whether the newest state, or its readers, have files in a generation's folder. */
function isNeeded({ generation, published, files }: Manifest, folder: string): boolean {
  return folder === generation || folder === published || files.some(({ path }) => path.startsWith(`${folder}/`));
}

/** Deletes files, some at a time; on a disk the folders that were left empty go, too. */
export async function deleteFiles(storage: Storage, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += DELETES_AT_ONCE)
    await Promise.all(keys.slice(at, at + DELETES_AT_ONCE).map((key) => storage.delete(key)));
  const folders = new Set(keys.flatMap((key) => storage.localPath(key) ?? []).map((path) => dirname(path)));
  for (const folder of folders) await removeEmpty(folder);
}

/** Up to the generation's folder, and no further: a folder that is not empty stays. */
async function removeEmpty(folder: string): Promise<void> {
  const gone = await rmdir(folder).then(
    () => true,
    () => false,
  );
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  if (gone && !GENERATION.test(name) && name !== '.tailrace') await removeEmpty(dirname(folder));
}

type Listed = Pick<ObjectInfo, 'key' | 'sizeBytes'>;

/** What one load left: files below its generation, and below its journal. */
interface Load {
  readonly data: Listed[];
  readonly journal: Listed[];
  newestMs: number;
}

/** Loads by commit id. Carried files keep their times on a disk, where they are links, but a load's own are new. */
async function loadsIn(storage: Storage, folder: string): Promise<Map<string, Load>> {
  const loads = new Map<string, Load>();
  for await (const { key, sizeBytes, modifiedMs = Number.POSITIVE_INFINITY } of storage.list(folder)) {
    const [, inJournal, inGeneration] =
      /^(?:\.tailrace\/([^/]+)|g-([A-Za-z0-9_-]+))\/./.exec(key.slice(folder.length)) ?? [];
    const id = inJournal ?? inGeneration;
    if (id === undefined || !GENERATION.test(`g-${id}`)) continue;
    const load = loads.get(id) ?? { data: [], journal: [], newestMs: 0 };
    load[inJournal === undefined ? 'data' : 'journal'].push({ key, sizeBytes });
    load.newestMs = Math.max(load.newestMs, modifiedMs);
    loads.set(id, load);
  }
  return loads;
}

async function readManifest(storage: Storage, key: string): Promise<Manifest | undefined> {
  const head = await storage.head(key);
  return head === undefined ? undefined : decodeManifest(await storage.get(key), storage.uri(key));
}

/** When the commit behind a generation's last one was made; undefined: the manifest does not tell. */
function replacedAt(manifest: Manifest, folder: string): number | undefined {
  const { generation, committedMs, published, previous } = manifest;
  const states = [{ generation, committedMs, scattered: published !== undefined }, ...previous];
  const at = states.findIndex((state) => state.generation === folder);
  // Readers were sent on by the first state behind it that was whole.
  return states.slice(0, Math.max(at, 0)).findLast(({ scattered }) => scattered !== true)?.committedMs;
}

/** A generation that a full list of former ones does not name may have counted until the oldest of them. */
function forgotten(manifest: Manifest | undefined, olderThanMs: number): boolean {
  const oldest = manifest?.previous[PREVIOUS_MAX - 1];
  return oldest === undefined || oldest.committedMs < olderThanMs;
}
