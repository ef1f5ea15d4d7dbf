import { TailraceError } from '../../model/errors.ts';
import type { ObjectInfo, Storage } from '../../storage/port.ts';
import type { SourceFile } from '../port.ts';
import { join, uriOf } from './folder.ts';
import type { ManifestEntry } from './manifest.ts';

const PARALLEL = 8;
/** From this many files on, one listing of their folder is cheaper than a question for each. */
export const LIST_FROM_FILES = 256;
/** A listing gives a thousand names for one request: so many per wanted file are still cheaper than a question for each. */
const LISTED_PER_FILE = 100;
const MAX_SHOWN = 10;
/** After so many missing files the others are not asked for. */
const MAX_MISSING = 1_000;

/** Turns a key of the manifest into a key below the storage's root. */
type Rule = (manifestKey: string) => string;

/**
 * Finds each data file that the manifest names, by its key's tail: a copy keeps the tree, but not the bucket. Which
 * files belong to the export is never asked of a listing; all that are missing are named at once.
 */
export async function locateFiles(
  storage: Storage,
  folder: string,
  bucket: string | undefined,
  entries: readonly ManifestEntry[],
): Promise<SourceFile[]> {
  const rules = candidateRules(storage, folder, bucket, entries[0]?.manifestKey ?? '');
  const heads = entries.length < LIST_FROM_FILES ? undefined : await listed(storage, rules, entries);
  const found = new Array<ObjectInfo | undefined>(entries.length);
  let preferred = 0;
  let absent = 0;
  await eachLimited(entries.length, PARALLEL, async (index) => {
    if (absent >= MAX_MISSING) return;
    const key = entries[index]?.manifestKey ?? '';
    for (let turn = 0; turn < rules.length; turn += 1) {
      const choice = (preferred + turn) % rules.length;
      const candidate = rules[choice]?.(key) ?? key;
      const info = heads?.get(candidate) ?? (await storage.head(candidate));
      if (info === undefined) continue;
      found[index] = info;
      preferred = choice;
      return;
    }
    absent += 1;
  });
  const missing = entries.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) throw missingFiles(storage, folder, entries.length, missing, absent);
  return entries.flatMap((entry, index) => {
    const info = found[index];
    return info === undefined ? [] : [{ index, ...entry, key: info.key, sizeBytes: info.sizeBytes, etag: info.etag }];
  });
}

/** The places where a file may lie, likeliest first. */
function candidateRules(storage: Storage, folder: string, bucket: string | undefined, sample: string): Rule[] {
  const rules: Rule[] = [];
  if (storage.kind === 's3' && bucket !== undefined && uriOf(storage, '') === `s3://${bucket}`)
    rules.push((key) => key);
  const name = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
  rules.push((key) => join(folder, `data/${name(key)}`));
  // Incremental exports share the folder data/ beside their own.
  if (folder !== '')
    rules.push((key) => join(folder.slice(0, Math.max(0, folder.lastIndexOf('/'))), `data/${name(key)}`));
  const segments = sample.split('/');
  // A folder above the export that has the name of a folder in the key is taken to be that folder.
  for (let above = folder; above !== ''; above = above.slice(0, Math.max(0, above.lastIndexOf('/')))) {
    const root = above;
    const depth = segments.indexOf(root.slice(root.lastIndexOf('/') + 1)) + 1;
    if (depth > 0 && depth < segments.length) rules.push((key) => join(root, key.split('/').slice(depth).join('/')));
    rules.push((key) => join(root, key));
  }
  rules.push((key) => key);
  return rules;
}

/** What lies in the folder of the first rule that leads to the first file; questions are the fallback where listing is denied. */
async function listed(
  storage: Storage,
  rules: readonly Rule[],
  entries: readonly ManifestEntry[],
): Promise<Map<string, ObjectInfo>> {
  const heads = new Map<string, ObjectInfo>();
  const sample = entries[0]?.manifestKey ?? '';
  for (const rule of rules) {
    if ((await storage.head(rule(sample))) === undefined) continue;
    const wanted = new Set(entries.map((entry) => rule(entry.manifestKey)));
    const prefix = rule(sample).replace(/[^/]*$/, '');
    try {
      let seen = 0;
      for await (const info of storage.list(prefix)) {
        if (wanted.has(info.key)) heads.set(info.key, info);
        seen += 1;
        // A folder that many exports share may hold far more names than this export has files.
        if (heads.size === wanted.size || seen > wanted.size * LISTED_PER_FILE) break;
      }
    } catch (thrown) {
      if (!(thrown instanceof TailraceError) || thrown.code !== 'ACCESS_DENIED') throw thrown;
    }
    break;
  }
  return heads;
}

/** Runs the task for 0 … count − 1, at most `limit` at a time; the first failure ends it, when all that began are done. */
export async function eachLimited(count: number, limit: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < count && !failed) {
      const index = next;
      next += 1;
      try {
        await task(index);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, count) }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

function missingFiles(
  storage: Storage,
  folder: string,
  count: number,
  missing: readonly ManifestEntry[],
  absent: number,
): TailraceError {
  const names = missing
    .slice(0, MAX_SHOWN)
    .map((entry) => entry.manifestKey)
    .join(', ');
  const some = absent >= MAX_MISSING ? `At least ${absent}` : String(absent);
  return new TailraceError('DATA_MISSING', `${some} of ${count} data files that the manifest names are not there.`, {
    expected: absent > MAX_SHOWN ? `${names}, …` : names,
    found: 'nothing',
    place: uriOf(storage, folder),
    hint: 'Copy the missing files from the export; nothing is loaded until all are there.',
  });
}
