import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Change, Item } from '../../model/item.ts';
import type { ItemSink, Reject, SievedFile } from '../port.ts';
import { readLines } from './open.ts';
import { decodeUtf8, type LineRules, parseLine } from './parse.ts';
import { printLine } from './print.ts';
import { type Line, MAX_LINE_BYTES } from './split.ts';
import { LineWriter } from './write.ts';

export interface SieveOptions {
  readonly tempDir: string;
  /** Why a well-formed item cannot be loaded all the same (its key is missing), or undefined. */
  readonly accept?: (item: Item, change?: Change) => string | undefined;
  /** Default: lines of a full export. */
  readonly rules?: LineRules;
  /** Gets each item that can be loaded, so that the schema learns from it. */
  readonly sink?: ItemSink;
  readonly signal?: AbortSignal;
  /** Takes each reject as it is found, so that a file of nothing but rejects needs no memory; without it they are
   * collected in the result. */
  readonly onReject?: (reject: Reject) => void | Promise<void>;
}

export interface Sieved extends SievedFile {
  /** Lines of `path`: those that can be loaded. */
  readonly lines: number;
  readonly rejected: number;
  /** Bytes that `path` takes of the temporary budget. */
  readonly tempBytes: number;
}

let sieved = 0;

/** Reads a file of an export line by line: good lines go to a new file in canonical form, the others are rejects. */
export async function sieveFile(path: string, manifestName: string, options: SieveOptions): Promise<Sieved> {
  await mkdir(options.tempDir, { recursive: true });
  sieved += 1;
  const name = basename(path)
    .replace(/\.(json|ion)(\.gz)?$/, '')
    .slice(0, 100);
  const writer = await LineWriter.open(join(options.tempDir, `sieved-${process.pid}-${sieved}-${name}.json`));
  const rejects: Reject[] = [];
  let lines = 0;
  let rejected = 0;
  try {
    for await (const line of readLines(path, manifestName, options.signal)) {
      const read = line.cut ? { ok: false as const, reason: cutReason } : parseLine(line.bytes, options.rules);
      const refused = read.ok ? options.accept?.(read.item, read.change) : undefined;
      const parsed = refused === undefined ? read : { ok: false as const, reason: refused };
      if (parsed.ok) {
        lines += 1;
        options.sink?.(parsed.item, parsed.change);
        await writer.add(`${printLine(parsed.item, parsed.change)}\n`);
      } else {
        rejected += 1;
        const reject = makeReject(manifestName, line, parsed.reason);
        if (options.onReject === undefined) rejects.push(reject);
        else await options.onReject(reject);
      }
    }
    await writer.close();
    return { path: writer.path, lines, rejected, rejects, tempBytes: writer.bytes };
  } catch (thrown) {
    await writer.close().catch(() => {});
    await rm(writer.path, { force: true });
    throw thrown;
  }
}

const cutReason = `line is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB; only its beginning is kept`;

/** The line as it came: text where it is UTF-8, else base64. */
export function makeReject(file: string, line: Pick<Line, 'number' | 'bytes'>, reason: string): Reject {
  const text = decodeUtf8(line.bytes);
  return text === undefined
    ? { file, line: line.number, reason, text: line.bytes.toString('base64'), encoding: 'base64' }
    : { file, line: line.number, reason, text, encoding: 'utf8' };
}
