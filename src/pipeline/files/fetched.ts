import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadFile } from '../../engine/duckdb/read.ts';
import { TailraceError } from '../../model/errors.ts';
import type { LiveFile } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';

/** Where the engine reads these data files and their position deletes: in place, or fetched into `dir` within the
 * temporary budget. What an earlier call fetched into the same folder is gone. */
export async function fetchFiles(
  storage: Storage,
  files: readonly LiveFile[],
  dir: string,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<ReadFile[]> {
  const placeOf = await fetchWhole(
    storage,
    files.flatMap((file) => [file, ...(file.deletes ?? [])]),
    dir,
    budgetBytes,
    signal,
  );
  return files.map(({ path: uri, spelling, deletes }) => ({
    uri,
    path: placeOf(uri),
    ...(spelling === undefined ? {} : { spelling }),
    ...(deletes === undefined ? {} : { deletes: deletes.map(({ path }) => placeOf(path)) }),
  }));
}

/** Files that are fetched at a time. */
const FETCHES = 4;

/** The local path of each of these objects by its URI; each is fetched once. */
export async function fetchWhole(
  storage: Storage,
  objects: readonly { readonly path: string; readonly sizeBytes: number }[],
  dir: string,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<(uri: string) => string> {
  const wanted = new Map(objects.map((object) => [object.path, object]));
  const remote = [...wanted.values()].filter(({ path }) => isRemote(storage, path));
  const bytes = remote.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > budgetBytes) throw overBudget(objects[0]?.path ?? dir, budgetBytes, bytes);
  const fetched = new Map<string, string>();
  await eachOf(remote, FETCHES, async ({ path }, i) => {
    const local = join(dir, 'files', `${i}.parquet`);
    await fetchOne(storage, storage.key(path), local, signal);
    fetched.set(path, local);
  });
  return (uri) => fetched.get(uri) ?? storage.localPath(storage.key(uri)) ?? uri;
}

/** Whether an object must be fetched before the engine can read it. */
export function isRemote(storage: Storage, uri: string): boolean {
  return storage.localPath(storage.key(uri)) === undefined;
}

/** What is to be fetched would outgrow the temporary budget. */
export function overBudget(place: string, budgetBytes: number, bytes: number): TailraceError {
  return new TailraceError('TEMP_BUDGET', 'The table’s files do not fit the temporary budget.', {
    place,
    expected: `at most ${budgetBytes} bytes`,
    found: `${bytes} bytes`,
    hint: 'Raise --temp-budget.',
  });
}

/** Works on all items, so many at a time; the first failure ends it. */
export async function eachOf<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const i = next++;
      try {
        results[i] = await work(items[i] as T, i);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

async function fetchOne(storage: Storage, key: string, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await pipeline(await storage.getStream(key, { signal }), createWriteStream(path), { signal });
}
