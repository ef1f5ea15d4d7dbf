import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../../model/byte-order.ts';
import type { ObjectInfo } from '../port.ts';
import { isAbsent, localError } from './errors.ts';
import { etagOf, HIDDEN, statFile } from './files.ts';

/** All files below a root whose key begins with the prefix, in byte order of their keys; one folder in memory at a time. */
export async function* walk(root: string, prefix: string): AsyncGenerator<ObjectInfo> {
  const slash = prefix.lastIndexOf('/') + 1;
  yield* walkFolder(root, prefix.slice(0, slash), prefix);
}

async function* walkFolder(root: string, folder: string, prefix: string): AsyncGenerator<ObjectInfo> {
  for (const name of await names(join(root, folder))) {
    const key = folder + name;
    if (name.endsWith('/')) {
      if (key.startsWith(prefix) || prefix.startsWith(key)) yield* walkFolder(root, key, prefix);
    } else if (key.startsWith(prefix)) {
      const stats = await statFile(join(root, key));
      if (stats) yield { key, sizeBytes: Number(stats.size), etag: etagOf(stats), modifiedMs: Number(stats.mtimeMs) };
    }
  }
}

/** Names in a folder, folders with a slash, in the order in which their keys sort: `a.x` before `a/`. */
export async function names(folder: string): Promise<readonly string[]> {
  let entries: readonly Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw localError(error, folder, 'list');
  }
  const found: string[] = [];
  for (const entry of entries) {
    if (HIDDEN.test(entry.name)) continue;
    if (entry.isDirectory()) found.push(`${entry.name}/`);
    else if (entry.isFile()) found.push(entry.name);
    else if (entry.isSymbolicLink()) found.push(...(await linkName(folder, entry.name)));
  }
  return found.sort(compareBytes);
}

// Links are followed, except those that lead back up: they would never end.
async function linkName(folder: string, name: string): Promise<readonly string[]> {
  try {
    const path = join(folder, name);
    const stats = await stat(path);
    if (stats.isFile()) return [name];
    if (!stats.isDirectory()) return [];
    const [target, here] = await Promise.all([realpath(path), realpath(folder)]);
    return `${here}/`.startsWith(`${target}/`) ? [] : [`${name}/`];
  } catch {
    return [];
  }
}
