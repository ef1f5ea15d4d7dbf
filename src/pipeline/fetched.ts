import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TailraceError } from '../model/errors.ts';
import type { DataFile } from '../model/table.ts';
import type { Storage } from '../storage/port.ts';

/** Where the engine reads these data files: in place, or fetched into `dir` within the temporary budget. */
export async function fetchFiles(
  storage: Storage,
  files: readonly DataFile[],
  dir: string,
  budgetBytes: number,
  signal: AbortSignal,
): Promise<string[]> {
  const inPlace = files.map((file) => storage.localPath(storage.key(file.path)));
  const bytes = files.reduce((sum, file, i) => sum + (inPlace[i] === undefined ? file.sizeBytes : 0), 0);
  if (bytes > budgetBytes) {
    throw new TailraceError('TEMP_BUDGET', 'The table’s files do not fit the temporary budget.', {
      place: files[0]?.path ?? dir,
      expected: `at most ${budgetBytes} bytes`,
      found: `${bytes} bytes`,
      hint: 'Raise --temp-budget.',
    });
  }
  const paths: string[] = [];
  for (const [i, file] of files.entries()) {
    const local = inPlace[i] ?? join(dir, 'files', `${i}.parquet`);
    if (inPlace[i] === undefined) await fetchOne(storage, storage.key(file.path), local, signal);
    paths.push(local);
  }
  return paths;
}

async function fetchOne(storage: Storage, key: string, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await pipeline(await storage.getStream(key, { signal }), createWriteStream(path), { signal });
}
