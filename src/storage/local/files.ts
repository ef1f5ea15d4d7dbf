import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errno, isAbsent } from './errors.ts';
import { makeFolders } from './folders.ts';

/** Names of unfinished files and of locks: no listing shows them. */
export const HIDDEN = /^\.tailrace-[^/]*\.(tmp|lock)$/;

/** A fresh name for an unfinished file, in the folder where it is to end: a rename never crosses file systems. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.tailrace-${randomBytes(8).toString('hex')}.tmp`);
}

/** Makes renames and links in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync folders; theirs are durable by other means.
    if (errno(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

/** Makes a folder and its missing parents, durably. */
export async function makeFolder(folder: string): Promise<void> {
  for (const made of await makeFolders(folder)) await syncFolder(dirname(made));
}

/** Writes an unfinished file beside `path`, durably, and gives its name; on failure nothing stays behind. */
export async function writeTemporary(path: string, write: (file: FileHandle) => Promise<void>): Promise<string> {
  await makeFolder(dirname(path));
  const temporary = temporaryPath(path);
  const file = await open(temporary, 'wx');
  try {
    await write(file);
    await file.sync();
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await file.close();
  return temporary;
}

/** Gives an unfinished file its name, durably. */
export async function finish(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** What lies at a path, if it is a file. */
export async function statFile(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Names the content of a file without reading it. Every write makes a new inode; but a freed inode may come back
 * within one tick of the file system's clock, so replacing writes also keep the time going up: see laterThan.
 */
export function etagOf(stats: BigIntStats): string {
  return `"${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}-${stats.ino.toString(16)}"`;
}

const BUMPS_MS = [1, 20, 1_000, 2_000];

/** Sets the file's time later than that of the one it is to replace, on file systems of any resolution. */
export async function laterThan(temporary: string, replaced: BigIntStats | undefined): Promise<void> {
  if (!replaced) return;
  for (const bump of BUMPS_MS) {
    const now = await stat(temporary, { bigint: true });
    if (now.mtimeNs > replaced.mtimeNs) return;
    const time = Number(replaced.mtimeNs / 1_000n) / 1e6 + bump / 1e3;
    await utimes(temporary, time, time);
  }
}
