/** How keys of a storage and URIs in table metadata belong together. */
import type { Storage } from '../storage/port.ts';

/** A key below the table's location; an empty location is the storage's root. */
export function below(location: string, rest: string): string {
  return location === '' ? rest : `${location}/${rest}`;
}

/** The key that a URI in table metadata names, in the spellings of other writers, too. */
export function keyOf(storage: Storage, uri: string): string {
  return storage.key(plainUri(storage, uri));
}

/** The URI as this storage spells it. */
export function plainUri(storage: Storage, uri: string): string {
  if (storage.kind === 'local') return uri.replace(/^file:(?:\/\/)?(?=\/)/, '');
  return storage.kind === 's3' ? uri.replace(/^s3[an]:/, 's3:') : uri;
}
