/**
 * The keys that a scan has seen until now, in files beside the table, and an object that names them: each piece puts a new
 * one before its commit, which names it. So a run that goes on knows the keys of all pieces that are in the table.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TailraceError } from '../../model/errors.ts';
import { scanFolder } from '../../model/scan-ledger.ts';
import type { ScanEntry } from '../../model/table.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import type { OpenTarget } from '../ends/target.ts';
import { fetchWhole } from '../files/fetched.ts';

export interface SeenIndex {
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Texts of the partitions that rows lie in. */
  readonly partitions: readonly string[];
}

export const NOTHING_SEEN: SeenIndex = { files: [], partitions: [] };

/** What the pieces that are in the table saw. */
export async function readSeen(target: OpenTarget, seen: ScanEntry['seen']): Promise<SeenIndex> {
  if (seen === undefined) return NOTHING_SEEN;
  const key = keyOf(target, seen.name);
  try {
    const body = Buffer.from(await target.storage.get(key));
    if (digestOf(body) !== seen.digest) throw gone(target.storage.uri(key), undefined);
    return JSON.parse(body.toString('utf8')) as SeenIndex;
  } catch (thrown) {
    throw thrown instanceof ObjectNotFound ? gone(thrown.uri, thrown) : thrown;
  }
}

/** Local paths of the files with the keys. */
export async function fetchSeen(
  target: OpenTarget,
  { files }: SeenIndex,
  dir: string,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<string[]> {
  const objects = files.map(({ name, sizeBytes }) => ({ path: target.storage.uri(keyOf(target, name)), sizeBytes }));
  const placeOf = await fetchWhole(target.storage, objects, dir, budgetBytes, signal).catch((thrown: unknown) => {
    throw thrown instanceof ObjectNotFound ? gone(thrown.uri, thrown) : thrown;
  });
  return objects.map(({ path }) => {
    const place = placeOf(path);
    // Files of a local target are read where they lie.
    if (!existsSync(place)) throw gone(path, undefined);
    return place;
  });
}

/** Adds what one piece saw: its keys, if it had any, move beside the table. */
export async function keepSeen(
  target: OpenTarget,
  runId: string,
  before: SeenIndex,
  { keys, partitions }: { readonly keys: string; readonly partitions: readonly string[] },
  signal: AbortSignal,
): Promise<NonNullable<ScanEntry['seen']>> {
  const files = [...before.files];
  if (existsSync(keys)) {
    const name = nameOf(runId, 'seen', 'parquet');
    const { size: sizeBytes } = await stat(keys);
    await target.storage.adopt(keyOf(target, name), keys, { signal });
    files.push({ name, sizeBytes });
  }
  const index: SeenIndex = { files, partitions: [...new Set([...before.partitions, ...partitions])] };
  const body = Buffer.from(JSON.stringify(index));
  const name = nameOf(runId, 'seen', 'json');
  await target.storage.put(keyOf(target, name), body);
  return { name, digest: digestOf(body) };
}

/** No commit names the object any more. What cannot be deleted is small, and a sweep of orphans removes it. */
export async function dropSeen(target: OpenTarget, seen: ScanEntry['seen'], index?: SeenIndex): Promise<void> {
  const names = [...(seen === undefined ? [] : [seen.name]), ...(index?.files ?? []).map(({ name }) => name)];
  for (const name of names) await target.storage.delete(keyOf(target, name)).catch(() => undefined);
}

function nameOf(runId: string, what: string, ending: string): string {
  return `${scanFolder(runId)}/${what}-${randomBytes(8).toString('hex')}.${ending}`;
}

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

function gone(place: string, cause: unknown): TailraceError {
  return new TailraceError(
    'TARGET_BAD',
    'What the interrupted scan had seen is gone, so it cannot tell deleted items.',
    {
      place,
      cause,
      hint: 'Restore the file, or begin a new scan with --new-scan.',
    },
  );
}

function keyOf({ key }: OpenTarget, name: string): string {
  return `${key === '' ? '' : `${key}/`}.tailrace/${name}`;
}
