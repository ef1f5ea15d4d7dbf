/** What catalogs of pointers do alike with a table's entry and its files: open it by its name, and take one in. */
import { TailraceError } from '../model/errors.ts';
import type { Storage } from '../storage/port.ts';
import { readMetadataFile } from './metadata/file.ts';
import { plainUri } from './paths.ts';
import { type PointerStore, pointerTable } from './pointer.ts';
import type { CatalogTable, OpenFiles, OpenTableOptions } from './port.ts';

export interface PointedTable {
  /** How people name it. */
  readonly name: string;
  readonly pointer: PointerStore;
  readonly openFiles: OpenFiles;
}

/** Opens the table; one that is not there at `newLocation`, or, to be read, not at all. */
export async function openPointed(
  { name, pointer, openFiles }: PointedTable,
  purpose: OpenTableOptions['purpose'],
  newLocation: () => Promise<string>,
): Promise<CatalogTable | undefined> {
  const there = await pointer.read();
  if (there === undefined && purpose === 'read') return undefined;
  const location = there?.metadataLocation ?? (await newLocation());
  const storage = await openFiles(location);
  try {
    if (there === undefined) return pointerTable({ name, storage, folder: folderOf(storage, location), pointer });
    const metadata = await readMetadataFile(storage, location);
    const folder = folderOf(storage, metadata.location);
    return pointerTable({ name, storage, folder, pointer, known: { location, metadata } });
  } catch (thrown) {
    await storage.close();
    throw thrown;
  }
}

/** Makes the pointer point to the metadata of a table that lies somewhere; `ensure` makes room for it once that was read. */
export async function registerPointed(
  { name, pointer, openFiles }: PointedTable,
  metadataLocation: string,
  ensure: () => Promise<unknown>,
): Promise<void> {
  const storage = await openFiles(metadataLocation);
  try {
    const metadata = await readMetadataFile(storage, metadataLocation);
    await ensure();
    const outcome = await pointer.swap(undefined, { metadata, metadataLocation });
    if (outcome.kind === 'swapped') return;
    if (outcome.kind === 'unknown') {
      const reason = outcome.reason.replace(/\.$/, '');
      throw new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether the table was registered: ${reason}.`, {
        place: name,
        cause: outcome.cause,
        hint: 'Run the same command again.',
      });
    }
  } finally {
    await storage.close();
  }
  throw new TailraceError('CATALOG', 'There is a table of that name already.', {
    place: name,
    hint: 'Choose another name, or drop that table first.',
  });
}

function folderOf(storage: Storage, location: string): string {
  return storage.key(plainUri(storage, location)).replace(/\/+$/, '');
}
