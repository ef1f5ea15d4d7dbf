import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, PreconditionFailed } from '../port.ts';

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);

/** The `code` of a system error, if it is one. */
export function errno(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** True when nothing that could be an object lies at the path. */
export function isAbsent(thrown: unknown): boolean {
  return ABSENT.has(errno(thrown) ?? '');
}

/** What a read or write of a local path failed with, as an error that may leave the storage. */
export function localError(thrown: unknown, path: string, doing: 'read' | 'write' | 'list' | 'delete'): Error {
  if (thrown instanceof TailraceError || thrown instanceof ObjectNotFound || thrown instanceof PreconditionFailed) {
    return thrown;
  }
  const code = errno(thrown) ?? '';
  const details = { place: path, cause: thrown };
  if (FULL.has(code)) {
    return new TailraceError('DISK_FULL', `The disk of ${path} is full (${code}).`, {
      ...details,
      hint: 'Free some space, or name a place on another disk; then run again.',
    });
  }
  if (DENIED.has(code)) {
    const hint =
      code === 'EROFS'
        ? 'The file system is mounted read-only: name another place.'
        : `Give the user who runs tailrace the right to ${doing} there, or name another place.`;
    return new TailraceError('ACCESS_DENIED', `No permission to ${doing} ${path} (${code}).`, { ...details, hint });
  }
  if (doing === 'read' && ABSENT.has(code)) return new ObjectNotFound(path);
  if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'EISDIR') {
    return new TailraceError('ACCESS_DENIED', `Cannot ${doing} ${path}: a file and a folder are in each other's way.`, {
      ...details,
      hint: 'Move away what lies there, or name another place.',
    });
  }
  if (code === 'ENOENT' && doing === 'write') {
    return new TailraceError('ACCESS_DENIED', `The file system does not let ${path} be made (${code}).`, {
      ...details,
      hint: 'Name a place on an ordinary disk, or mount it first.',
    });
  }
  // EIO after fsync is not tried again: the kernel may have dropped the very pages that failed.
  return new TailraceError('UNREACHABLE', `The file system failed to ${doing} ${path} (${code || String(thrown)}).`, {
    ...details,
    hint: 'Check the disk and its mount; then run again.',
  });
}
