import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errno } from './errors.ts';

/**
 * Makes a folder and its missing parents, and gives those that it made. One by one: where a file system says ENOENT for
 * a folder that it will not make (/proc, automounts), Node's own recursive mkdir tries for ever.
 */
export async function makeFolders(folder: string, mode?: number): Promise<readonly string[]> {
  const made: string[] = [];
  for (const missing of await missingOf(folder)) {
    try {
      await mkdir(missing, mode);
      made.push(missing);
    } catch (error) {
      // Another writer was first.
      if (errno(error) !== 'EEXIST') throw error;
    }
  }
  return made;
}

/** The folders on the way to this one that are not there, itself included, the topmost first. */
async function missingOf(folder: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = folder; !(await isThere(at)) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  return missing;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOENT') return false;
    throw error;
  }
}
