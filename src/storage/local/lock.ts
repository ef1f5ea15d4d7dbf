/**
 * A lock file for compare-and-swap: POSIX has no rename that compares first.
 *
 * Whoever creates the lock file holds it; it names its holder. A lock is stale when its holder's process is gone
 * (same host), or when it is older than LOCK_STALE_MS (another host): the work under it takes milliseconds. A stale
 * lock is broken by renaming it away, which only one breaker can do, and whoever renamed away a lock that was not the
 * stale one puts it back. A holder asks `held()` right before its own rename, so a holder that slept through the
 * breaking of its lock gives up. What is left is the instant between that question and the rename, for a process
 * that was stopped just there for longer than LOCK_STALE_MS on another host.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../model/errors.ts';
import { errno, isAbsent } from './errors.ts';
import { temporaryPath } from './files.ts';

const LOCK_STALE_MS = 60_000;
/** Longer than stale, so that a dead holder never fails a live writer. */
const LOCK_WAIT_MS = 90_000;

export interface Lock {
  /** False when somebody took the lock for stale. */
  held(): Promise<boolean>;
  release(): Promise<void>;
}

/** Takes the lock that belongs to a path; waits for its holder. */
export async function lock(path: string): Promise<Lock> {
  const lockPath = join(
    dirname(path),
    `.tailrace-${createHash('sha256').update(basename(path)).digest('hex').slice(0, 24)}.lock`,
  );
  const token = JSON.stringify({ pid: process.pid, host: hostname(), id: randomBytes(8).toString('hex') });
  const deadline = Date.now() + LOCK_WAIT_MS;
  while (!(await create(lockPath, token))) {
    if (Date.now() > deadline) throw timedOut(lockPath);
    if (!(await breakIfStale(lockPath))) await sleep(2 + Math.random() * 15);
  }
  const held = async () => (await holder(lockPath)) === token;
  return {
    held,
    release: async () => {
      if (await held()) await rm(lockPath, { force: true });
    },
  };
}

async function create(lockPath: string, token: string): Promise<boolean> {
  // Written first and linked after, so that no reader sees a lock without its holder; where there are no hard
  // links, created exclusively.
  const temporary = temporaryPath(lockPath);
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(token);
    await file.close();
    await link(temporary, lockPath);
    return true;
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    if (!isWithoutLinks(error)) throw error;
    return await createExclusively(lockPath, token);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function createExclusively(lockPath: string, token: string): Promise<boolean> {
  try {
    const file = await open(lockPath, 'wx');
    await file.writeFile(token).finally(() => file.close());
    return true;
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    throw error;
  }
}

/** True when the file system has no hard links. */
export function isWithoutLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno(error) ?? '');
}

async function holder(lockPath: string): Promise<string | undefined> {
  try {
    return await readFile(lockPath, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function breakIfStale(lockPath: string): Promise<boolean> {
  const token = await holder(lockPath);
  if (token === undefined) return true;
  if (!(await isStale(lockPath, token))) return false;
  const aside = temporaryPath(lockPath);
  try {
    await rename(lockPath, aside);
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
  if ((await holder(aside)) !== token) await link(aside, lockPath).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function isStale(lockPath: string, token: string): Promise<boolean> {
  const [, pid, host] = /"pid":(\d+),"host":"([^"]*)"/.exec(token) ?? [];
  if (pid !== undefined && host === hostname()) return !isAlive(Number(pid));
  const stats = await stat(lockPath).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > LOCK_STALE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) === 'EPERM';
  }
}

function timedOut(lockPath: string): TailraceError {
  return new TailraceError('UNREACHABLE', `The lock ${lockPath} is held by another process.`, {
    place: lockPath,
    hint: 'End the other run of tailrace; if there is none, delete the lock file.',
  });
}
