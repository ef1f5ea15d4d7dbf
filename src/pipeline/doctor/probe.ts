/** An object that is written to try a place, and removed again. */
import { randomUUID } from 'node:crypto';
import { rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import type { Findings } from '../../model/findings.ts';
import type { Storage } from '../../storage/port.ts';
import { fileNeeds } from '../../storage/s3/needs.ts';
import { endsAll } from './denial.ts';

export interface ProbeOptions {
  readonly storage: Storage;
  /** URI of the table's folder. */
  readonly location: string;
  readonly region: string | undefined;
  /** Nothing is written. */
  readonly readOnly: boolean;
  /** Commits rest on conditional puts here, and not on a catalog. */
  readonly conditional: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Lists the place; false: it cannot be. */
export async function listPlace(findings: Findings, { storage, location, region }: ProbeOptions): Promise<boolean> {
  const folder = folderOf(storage, location);
  const listed = await findings.try(`list ${location}`, fileNeeds(location, region).list, async () => {
    for await (const _ of storage.listFolder(folder === '' ? '' : `${folder}/`)) break;
  });
  return listed !== undefined;
}

/** Writes, reads and removes an object there. Gives the URI of one that could not be removed. */
export async function probePlace(findings: Findings, options: ProbeOptions): Promise<string | undefined> {
  const { storage, location, region, readOnly } = options;
  const needs = fileNeeds(location, region);
  if (readOnly || endsAll(findings)) {
    const why = readOnly ? 'only reading was asked for' : 'because of what failed above';
    findings.untried(`write to ${location}`, why, [...needs.write, ...needs.read, ...needs.remove]);
    return undefined;
  }
  const folder = folderOf(storage, location);
  const key = `${folder === '' ? '' : `${folder}/`}.tailrace-probe-${randomUUID()}`;
  const made = await missingFolders(storage, key);
  const first = await findings.try(`write to ${location}`, needs.write, () => written(storage, key));
  if (first === undefined) return undefined;
  const wrote = first.value;
  await findings.try(
    'rely on conditional puts',
    needs.write,
    () => heedsConditions(storage, key, wrote, options.conditional),
    (heeds) => (heeds ? undefined : 'the store does not heed them; the catalog keeps writers apart'),
  );
  await findings.try(`read from ${location}`, needs.read, async () => {
    await storage.get(key);
  });
  const removed = await findings.try(
    `remove from ${location}`,
    needs.remove,
    async () => {
      await storage.delete(key);
      for (const each of made) await rmdir(each);
    },
    () => 'the object that was written to try this is gone again',
  );
  return removed === undefined ? storage.uri(key) : undefined;
}

function folderOf(storage: Storage, location: string): string {
  return storage.key(`${location}/`).replace(/\/+$/, '');
}

async function written(storage: Storage, key: string): Promise<string> {
  const outcome = await storage.putIf(key, bytes('1'), { ifAbsent: true });
  if (outcome.kind === 'written') return outcome.etag;
  throw new TailraceError('UNREACHABLE', 'The store did not say whether it took an object.', {
    place: storage.uri(key),
    ...(outcome.kind === 'unknown' ? { cause: outcome.cause } : {}),
    hint: 'The store is overloaded or broken: run again later.',
  });
}

/** Whether an object that is there, or was replaced, is left alone. Where commits rest on it, it must be. */
async function heedsConditions(storage: Storage, key: string, etag: string, needed: boolean): Promise<boolean> {
  const absent = await storage.putIf(key, bytes('2'), { ifAbsent: true });
  const other = await storage.putIf(key, bytes('3'), { ifMatch: '"00000000000000000000000000000000"' });
  const same = await storage.putIf(key, bytes('4'), { ifMatch: etag });
  const found = { absent: absent.kind, other: other.kind, same: same.kind };
  if (found.absent === 'exists' && found.other === 'exists' && found.same === 'written') return true;
  if (!needed) return false;
  throw new TailraceError('TARGET_BAD', 'The store does not heed conditions of puts, and commits rest on them.', {
    place: storage.uri(key),
    expected: 'If-None-Match refused, If-Match of another object refused, If-Match of this one taken',
    found: `If-None-Match: ${found.absent}, If-Match of another: ${found.other}, of this one: ${found.same}`,
    hint: 'Two runs could overwrite each other: use another store, or keep the table in a catalog.',
  });
}

/** Folders of this machine's disk that are made for an object, the innermost first. */
async function missingFolders(storage: Storage, key: string): Promise<readonly string[]> {
  const missing: string[] = [];
  const path = storage.localPath(key);
  if (path === undefined) return missing;
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (
      await stat(folder).then(
        () => true,
        () => false,
      )
    )
      break;
    missing.push(folder);
  }
  return missing;
}
