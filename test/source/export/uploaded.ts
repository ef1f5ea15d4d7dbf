import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openFullExport } from '../../../src/source/export/open.ts';
import type { FullExport } from '../../../src/source/port.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { GetOptions, Storage } from '../../../src/storage/port.ts';
import { type ExportOptions, writeExport } from '../../data/make-export.ts';

export interface Uploaded {
  readonly storage: Storage;
  readonly source: FullExport;
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'fetch-'));

/** An export in a store that has no paths on this machine, so that it must be fetched. */
export async function uploaded(options: ExportOptions): Promise<Uploaded> {
  const at = await writeExport(await newFolder(), options);
  const storage = memoryStorage();
  for (const name of await readdir(at.exportDir, { recursive: true })) {
    if (/\.(json|gz|md5)$/.test(name)) await storage.put(`e/${name}`, await readFile(join(at.exportDir, name)));
  }
  return { storage, source: await openFullExport(storage, 'e') };
}

/** The same store, but each body of a data file goes through the given hand. */
export function tampered(
  storage: Storage,
  hand: (body: Readable, key: string, options: GetOptions, call: number) => Readable | Promise<Readable>,
): Storage {
  let calls = 0;
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'getStream') {
        return async (key: string, options: GetOptions = {}) => {
          calls += 1;
          return hand(await target.getStream(key, options), key, options, calls);
        };
      }
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** A body that breaks off after so many bytes: with an error, or as if it had ended. */
export function cutOff(body: Readable, bytes: number, error?: Error): Readable {
  async function* cut(): AsyncGenerator<Buffer> {
    let left = bytes;
    for await (const chunk of body) {
      const piece = (chunk as Buffer).subarray(0, left);
      left -= piece.length;
      if (piece.length > 0) yield piece;
      if (left === 0) break;
    }
    if (error !== undefined) throw error;
  }
  return Readable.from(cut());
}
