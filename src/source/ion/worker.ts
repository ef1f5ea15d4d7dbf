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
  const out = new TextBuffer(bytes.length * 2);
  const rejects: Reject[] = [];
  let start = 0;
  for (const number of numbers) {
    const end = source.indexOf(0x0a, start);
    const line = source.subarray(start, end);
    start = end + 1;
    try {
      out.add(`${convertLine(line, shape)}\n`);
    } catch (thrown) {
      rejects.push(makeReject(file, { number, bytes: line }, reasonOf(thrown)));
    }
  }
  return { bytes: out.bytes(), rejects };
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

/** Text as bytes at once: lines kept as strings would be copied by every collection of garbage until the last is made. */
class TextBuffer {
  #buffer: Buffer;
  #length = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  add(text: string): void {
    // A UTF-16 unit takes at most three bytes.
    const room = this.#length + text.length * 3;
    if (room > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(room + this.#buffer.length);
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#length += this.#buffer.write(text, this.#length);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
