/**
 * Files of a generation that stay in the next one: they are linked, or copied by the store, and neither read nor written
 * anew. A killed attempt's copies are taken over, since a copy is whole or not there.
 */
import { setMaxListeners } from 'node:events';
import { TailraceError } from '../../model/errors.ts';
import type { DataFile, StagedCommit } from '../../model/table.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';

/** Files that are copied at a time: enough to hide the store's answer times, below its limit on connections. */
const COPIES_AT_ONCE = 16;

export interface Carry {
  readonly storage: Storage;
  /** Key of a path that is relative to the table's location. */
  readonly key: (path: string) => string;
  /** The folder of the next generation. */
  readonly generation: string;
  /** Files of the former generation; paths of both lists are relative to the table's location. */
  readonly former: readonly DataFile[];
  /** The commit's own files, in the next generation's folder already. */
  readonly staged: readonly DataFile[];
  readonly signal?: AbortSignal | undefined;
}

/** Brings the files of the former generation that stay into the next one, and gives all files of that. */
export async function carryFiles(carry: Carry): Promise<readonly DataFile[]> {
  const { storage, key, generation, former, staged, signal } = carry;
  const taken = new Set(staged.map(({ path }) => path));
  const carried = former.map((file) => ({ file, path: freePath(file.path, generation, taken) }));
  const there = await stagedThere(carry);
  const absent = carried.filter(({ file, path }) => there.get(key(path)) !== file.sizeBytes);
  await copyAll(
    storage,
    absent.map(({ file, path }) => [key(file.path), key(path)]),
    signal,
  );
  return [...carried.map(({ file, path }) => ({ ...file, path })), ...staged];
}

/** The files of former generations where they are, and the commit's own: for states that no reader lists. */
export async function referFiles(carry: Carry): Promise<readonly DataFile[]> {
  await stagedThere(carry);
  return [...carry.former, ...carry.staged];
}

/** What lies in the commit's folder, by key; all that it staged must be among it. */
async function stagedThere({ storage, key, generation, staged, signal }: Carry): Promise<ReadonlyMap<string, number>> {
  const there = new Map<string, number>();
  for await (const { key: found, sizeBytes } of storage.list(key(`${generation}/`), signal && { signal }))
    there.set(found, sizeBytes);
  for (const { path, sizeBytes } of staged)
    if (there.get(key(path)) !== sizeBytes) throw missing(storage.uri(key(path)));
  return there;
}

/** All have ended when it throws: none comes later, into a folder that somebody may have begun to sweep. */
async function copyAll(
  storage: Storage,
  copies: readonly (readonly [from: string, to: string])[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  // Each copy listens while it runs; Node warns of more than ten.
  setMaxListeners(0, either);
  let next = 0;
  let failure: { readonly thrown: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let each = copies[next++]; each !== undefined && failure === undefined; each = copies[next++]) {
      try {
        await storage.copy(each[0], each[1], { signal: either });
      } catch (thrown) {
        failure ??= { thrown };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(COPIES_AT_ONCE, copies.length) }, worker));
  if (failure !== undefined) throw failure.thrown;
}

/** The files that a commit leaves in the table; it may name none that is not there. */
export function stayingFiles(
  { operation, removed = [], deletes = [], removedDeletes = [] }: StagedCommit,
  former: readonly DataFile[],
  uri: (path: string) => string,
): readonly DataFile[] {
  if (operation === 'create' || operation === 'replace') return [];
  const leaving = new Set(removed);
  const staying = former.filter(({ path }) => !leaving.has(uri(path)));
  if (deletes.length + removedDeletes.length > 0)
    throw new TailraceError('INTERNAL', 'A Parquet table has no position deletes.');
  if (former.length - staying.length !== leaving.size)
    throw new TailraceError('INTERNAL', 'The commit removes a file that the table does not hold.');
  return staying;
}

/** The same place in another generation. Names are random: where two are equal all the same, the older one gives way. */
function freePath(path: string, generation: string, taken: Set<string>): string {
  let free = `${generation}${path.slice(path.indexOf('/'))}`;
  while (taken.has(free)) free = free.replace(/(\.[a-z0-9.]+)?$/, '-c$1');
  taken.add(free);
  return free;
}

function missing(place: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'A file that this run wrote is gone, or of another size.', {
    place,
    cause: new ObjectNotFound(place),
    hint: 'Another program deletes files below the table’s folder; keep it from that, and run again.',
  });
}
