import { rm } from 'node:fs/promises';
import type { Change, Item } from '../../model/item.ts';
import { readLines } from './open.ts';
import { type LineRules, parseLine } from './parse.ts';
import { printLine } from './print.ts';
import { LineWriter } from './write.ts';

export interface SampleOptions {
  /** Most lines of one file. */
  readonly linesPerFile: number;
  /** Most bytes of lines in all; what one file leaves, the next may use. At least one line of each file is read. */
  readonly maxBytes: number;
  /** Most files: the first, the last, and others evenly between. Default: all. */
  readonly maxFiles?: number;
  readonly sink: (item: Item, path: string, change?: Change) => void;
  /** Default: lines of a full export. */
  readonly rules?: LineRules;
  /** Where the good lines go as one plain file, so that the engine can look at the same sample. */
  readonly keepTo?: string;
  readonly signal?: AbortSignal;
}

export interface Sample {
  readonly items: number;
  /** Every line of every file was seen: what was learned is the whole truth. */
  readonly complete: boolean;
  /** Malformed lines, skipped here and rejected when the file is loaded. */
  readonly rejects: number;
}

/** Looks at the head of each of some files, so that a schema can be guessed before the load. */
export async function sampleItems(paths: readonly string[], options: SampleOptions): Promise<Sample> {
  const chosen = spreadOver(paths, options.maxFiles ?? paths.length);
  const writer = options.keepTo === undefined ? undefined : await LineWriter.open(options.keepTo);
  const total = { items: 0, rejects: 0, bytes: 0, complete: chosen.length === paths.length };
  try {
    for (const [index, path] of chosen.entries()) {
      const share = (options.maxBytes - total.bytes) / (chosen.length - index);
      const head = await sampleFile(path, share, options, writer);
      total.items += head.items;
      total.rejects += head.rejects;
      total.bytes += head.bytes;
      total.complete &&= head.complete;
    }
    await writer?.close();
    return { items: total.items, complete: total.complete, rejects: total.rejects };
  } catch (thrown) {
    await writer?.close().catch(() => {});
    if (options.keepTo !== undefined) await rm(options.keepTo, { force: true });
    throw thrown;
  }
}

interface Head extends Sample {
  readonly bytes: number;
}

async function sampleFile(
  path: string,
  maxBytes: number,
  options: SampleOptions,
  writer: LineWriter | undefined,
): Promise<Head> {
  const head = { items: 0, rejects: 0, bytes: 0 };
  for await (const line of readLines(path, path, options.signal)) {
    const seen = head.items + head.rejects;
    if (seen >= options.linesPerFile || (seen > 0 && head.bytes + line.bytes.length > maxBytes)) {
      return { ...head, complete: false };
    }
    head.bytes += line.bytes.length;
    const parsed = line.cut ? undefined : parseLine(line.bytes, options.rules);
    if (parsed === undefined || !parsed.ok) {
      head.rejects += 1;
      continue;
    }
    head.items += 1;
    options.sink(parsed.item, path, parsed.change);
    await writer?.add(`${printLine(parsed.item, parsed.change)}\n`);
  }
  return { ...head, complete: true };
}

/** At most `count` of them: the first, the last, and others at even distances. */
export function spreadOver<T>(all: readonly T[], count: number): readonly T[] {
  if (count >= all.length) return all;
  if (count <= 1) return all.slice(0, Math.max(count, 0));
  return Array.from({ length: count }, (_, place) => all[Math.round((place * (all.length - 1)) / (count - 1))] as T);
}
