/**
 * Runs in a worker thread; the build must keep it a file of its own (dist/source/ion/worker.js), because a thread is
 * started from a file.
 */
import { makeReader } from 'ion-js';
import type { LineShape } from '../../model/item.ts';
import { decodeUtf8 } from '../lines/parse.ts';
import { printLine } from '../lines/print.ts';
import { LineFault } from '../lines/scan.ts';
import { makeReject } from '../lines/sieve.ts';
import type { Reject } from '../port.ts';
import { readChange, readItem } from './convert.ts';
import { transcodeItem } from './transcode.ts';

export interface IonTask {
  /** Whole lines of Ion text, each ended by a newline. */
  readonly bytes: Uint8Array;
  /** The number of each line in its file. */
  readonly numbers: readonly number[];
  readonly file: string;
  /** Default: item. */
  readonly shape?: LineShape;
}

export interface IonResult {
  /** The same items as lines of DynamoDB JSON. */
  readonly bytes: Uint8Array;
  readonly rejects: readonly Reject[];
}

/** Turns lines of an Ion export into lines of a DynamoDB JSON export. */
export default function convertTask({ bytes, numbers, file, shape }: IonTask): IonResult {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: string[] = [];
  const rejects: Reject[] = [];
  let start = 0;
  for (const number of numbers) {
    const end = source.indexOf(0x0a, start);
    const line = source.subarray(start, end);
    start = end + 1;
    try {
      lines.push(`${convertLine(line, shape)}\n`);
    } catch (thrown) {
      rejects.push(makeReject(file, { number, bytes: line }, reasonOf(thrown)));
    }
  }
  return { bytes: Buffer.from(lines.join('')), rejects };
}

function convertLine(line: Buffer, shape: LineShape | undefined): string {
  const text = decodeUtf8(line);
  if (text === undefined) throw new LineFault('not UTF-8');
  const plain = shape === 'change' ? undefined : transcodeItem(text);
  if (plain !== undefined) return plain;
  const reader = makeReader(text);
  if (shape !== 'change') return printLine(readItem(reader));
  const change = readChange(reader);
  return printLine(change.keys, change);
}

/** Messages of the Ion reader may quote the line, and with it people's data: only ours are passed on. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof LineFault ? thrown.message : 'not well-formed Ion';
}
