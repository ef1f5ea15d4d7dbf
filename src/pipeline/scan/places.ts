/** Places of a scan that is not complete: in the ledger, or where they are too long for it, in an object beside the table. */
import { randomBytes } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import { scanFolder } from '../../model/scan-ledger.ts';
import type { ScanEntry, ScanPlaces } from '../../model/table.ts';
import { decodePlaces, encodePlaces } from '../../source/scan/places.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import type { OpenTarget } from '../ends/target.ts';

/** Catalogs limit properties of tables; the rest of the ledger needs its part. */
const INLINE_BYTES_MAX = 2_000;

type Rest = NonNullable<ScanEntry['rest']>;

/** What the entry says of the places. An object is there before any commit names it. */
export async function keepPlaces(target: OpenTarget, runId: string, places: ScanPlaces): Promise<Rest> {
  const { body, digest } = encodePlaces(places);
  if (body.length <= INLINE_BYTES_MAX) return places;
  const name = `${scanFolder(runId)}/places-${randomBytes(8).toString('hex')}.json`;
  await target.storage.put(keyOf(target, name), body);
  return { name, digest };
}

export async function readPlaces(target: OpenTarget, rest: Rest): Promise<ScanPlaces> {
  if ('segments' in rest) return rest;
  const key = keyOf(target, rest.name);
  try {
    return decodePlaces(await target.storage.get(key), rest.digest, target.storage.uri(key));
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound)) throw thrown;
    throw new TailraceError('TARGET_BAD', 'The places of the interrupted scan are gone, so it cannot go on.', {
      place: thrown.uri,
      cause: thrown,
      hint: 'Restore the file, or begin a new scan with --new-scan.',
    });
  }
}

/** No commit names them any more. A failure leaves a small file behind, which a sweep of orphans removes. */
export async function dropPlaces(target: OpenTarget, rest: Rest | undefined): Promise<void> {
  if (rest === undefined || 'segments' in rest) return;
  await target.storage.delete(keyOf(target, rest.name)).catch(() => undefined);
}

function keyOf({ key }: OpenTarget, name: string): string {
  return `${key === '' ? '' : `${key}/`}.tailrace/${name}`;
}
