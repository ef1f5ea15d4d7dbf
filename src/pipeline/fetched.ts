import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadFile } from '../engine/duckdb/read.ts';
import { TailraceError } from '../model/errors.ts';
import type { LiveFile } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';

/** Where the engine reads these data files and their position deletes: in place, or fetched into `dir` within the
 * temporary budget. */
export async function fetchFiles(
  storage: Storage,
  files: readonly LiveFile[],
  dir: string,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<ReadFile[]> {
  const wanted = new Map<string, { readonly path: string; readonly sizeBytes: number }>();
  for (const file of files) {
    wanted.set(file.path, file);
    for (const deletes of file.deletes ?? []) wanted.set(deletes.path, deletes);
  }
  const remote = [...wanted.values()].filter((file) => storage.localPath(storage.key(file.path)) === undefined);
  const bytes = remote.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes > budgetBytes) {
    throw new TailraceError('TEMP_BUDGET', 'The table’s files do not fit the temporary budget.', {
      place: files[0]?.path ?? dir,
      expected: `at most ${budgetBytes} bytes`,
      found: `${bytes} bytes`,
      hint: 'Raise --temp-budget.',
    });
  }
  const fetched = new Map<string, string>();
  for (const [i, { path }] of remote.entries()) {
    const local = join(dir, 'files', `${i}.parquet`);
    await fetchOne(storage, storage.key(path), local, signal);
    fetched.set(path, local);
  }
  const placeOf = (uri: string): string => fetched.get(uri) ?? storage.localPath(storage.key(uri)) ?? uri;
  return files.map(({ path, spelling, deletes }) => ({
    uri: spelling ?? path,
    path: placeOf(path),
    ...(deletes === undefined ? {} : { deletes: deletes.map(({ path }) => placeOf(path)) }),
  }));
}

async function fetchOne(storage: Storage, key: string, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await pipeline(await storage.getStream(key, { signal }), createWriteStream(path), { signal });
}
