import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import type { Storage } from '../../storage/port.ts';
import { spreadOver } from '../lines/sample.ts';
import type { FullExport, SourceFile } from '../port.ts';

/** Compressed bytes of each file. */
const HEAD_BYTES = 256 * 1024;
const HEAD_FILES = 8;
/** A head that unpacks to more is no text of items. */
const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;

export interface Heads {
  /** Files of JSON lines in the folder. */
  readonly paths: readonly string[];
  /** They hold all that the export holds. */
  readonly complete: boolean;
}

/** Fetches the beginnings of some files of an export, unproved, for a guess that costs next to nothing. */
export async function fetchHeads(storage: Storage, from: FullExport, dir: string, signal: AbortSignal): Promise<Heads> {
  await mkdir(dir, { recursive: true });
  const files = from.files.filter((file) => file.itemCount > 0);
  const chosen = spreadOver(files, HEAD_FILES);
  const paths: string[] = [];
  let complete = chosen.length === files.length;
  for (const file of chosen) {
    const whole = file.sizeBytes <= HEAD_BYTES;
    complete &&= whole;
    const text = await headOf(storage, file, whole, signal);
    const path = join(dir, `${file.index}.${from.format === 'ION' ? 'ion' : 'json'}`);
    await writeFile(path, text, { mode: 0o600 });
    paths.push(from.format === 'ION' ? await asLines(path, file, signal) : path);
  }
  return { paths, complete };
}

/** Whole lines. What is broken is left to the load, which says where. */
async function headOf(storage: Storage, file: SourceFile, whole: boolean, signal: AbortSignal): Promise<Uint8Array> {
  const length = Math.min(file.sizeBytes, HEAD_BYTES);
  const bytes = await storage.get(file.key, { offset: 0, length, signal });
  const text = file.key.endsWith('.gz') ? unpacked(bytes) : bytes;
  return whole ? text : text.subarray(0, text.lastIndexOf(0x0a) + 1);
}

function unpacked(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: UNPACKED_BYTES_MAX });
  } catch {
    return new Uint8Array();
  }
}

async function asLines(path: string, file: SourceFile, signal: AbortSignal): Promise<string> {
  const { convertFile } = await import('../ion/file.ts');
  const lines = `${path}.json`;
  await convertFile(path, lines, file.manifestKey, signal);
  return lines;
}
