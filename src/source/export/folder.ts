import type { Storage } from '../../storage/port.ts';

/** The key of a name in a folder; both without slashes at their ends. */
export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** A folder's URI for messages; the root itself has no key. */
export function uriOf(storage: Storage, folder: string): string {
  if (folder !== '') return storage.uri(folder);
  return storage
    .uri('x')
    .slice(0, -1)
    .replace(/(?<=[^/])\/$/, '');
}
