import { TailraceError } from '../model/errors.ts';

/** Refuses keys that could leave the root, or that only some stores could hold. */
export function checkKey(key: string): void {
  if (key === '') throw refused(key, 'is empty');
  if (key.endsWith('/')) throw refused(key, 'ends in a slash');
  checkPrefix(`${key}/`);
}

/** Like checkKey, but a prefix may be empty, may end in a slash, and its last name may be a part of one. */
export function checkPrefix(prefix: string): void {
  if (prefix.startsWith('/')) throw refused(prefix, 'begins with a slash');
  if (prefix.includes('\0')) throw refused(prefix, 'holds a zero byte');
  if (
    prefix
      .split('/')
      .slice(0, -1)
      .some((segment) => segment === '..' || segment === '.')
  ) {
    throw refused(prefix, 'holds a . or .. segment');
  }
}

/** Like checkPrefix, for a prefix that stands for a whole folder: empty, or ending in a slash. */
export function checkFolder(prefix: string): void {
  if (prefix !== '' && !prefix.endsWith('/')) throw refused(prefix, 'does not end in a slash');
  checkPrefix(prefix);
}

function refused(key: string, why: string): TailraceError {
  return new TailraceError('USAGE', `The key ${JSON.stringify(key)} ${why}.`, {
    expected: 'a relative name such as folder/file.json, without . or .. segments',
    found: key,
    hint: 'Name the object by its plain path below the root.',
  });
}

/** The error for a call that its signal ended. */
export function interrupted(uri: string, signal: AbortSignal): TailraceError {
  return new TailraceError('INTERRUPTED', `The transfer of ${uri} was interrupted.`, {
    place: uri,
    cause: signal.reason,
  });
}
