import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { type CheckedLines, LineCheck } from './check.ts';
import type { LineRules } from './parse.ts';

/** What is read and inflated at a time: more saves calls, less stays in the processor's cache. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Looks at the bytes of a file of lines, gunzipped if its name ends in `.gz`. Undefined where they cannot be read to
 * their end: the engine tells why. Once a line is not sound the others are not counted.
 */
export async function inspectFile(
  path: string,
  rules: LineRules,
  signal: AbortSignal,
): Promise<CheckedLines | undefined> {
  const check = new LineCheck(rules);
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES, signal });
  const gunzip = path.endsWith('.gz') ? createGunzip({ chunkSize: CHUNK_BYTES }) : undefined;
  const bytes = gunzip === undefined ? file : file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  try {
    for await (const chunk of bytes) {
      check.add(chunk as Buffer);
      if (!check.sound) break;
    }
    return check.end();
  } catch {
    return undefined;
  } finally {
    file.destroy();
    gunzip?.destroy();
  }
}
