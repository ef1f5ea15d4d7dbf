import type { LoadFormat } from '../../model/load.ts';
import { looksTagged } from '../values/tagged.ts';
import { ElementCutter } from './elements.ts';

/** As much of the beginning as is looked at. */
export const HEAD_BYTES = 64 * 1024;

const SUFFIXES: readonly (readonly [RegExp, LoadFormat])[] = [
  [/\.(csv|tsv)$/i, 'csv'],
  [/\.(jsonl|ndjson|jsonlines)$/i, 'jsonl'],
  [/\.json$/i, 'json'],
];

/** A format with whether its items are in DynamoDB JSON. */
export interface Recognised {
  readonly format: Exclude<LoadFormat, 'auto' | 'ddb-json'>;
  readonly tagged: boolean;
}

/** What an input is: as asked, or by its name and its first bytes. Undefined: it cannot be told. */
export function recognise(
  asked: LoadFormat,
  name: string,
  head: Buffer,
  path: readonly (string | number)[],
): Recognised | undefined {
  // A path leads into each document, wherever lines end.
  if (asked === 'jsonl') return { format: path.length === 0 ? 'jsonl' : 'json', tagged: false };
  if (asked === 'csv' || asked === 'json') return { format: asked, tagged: false };
  const bare = name.replace(/[?#].*$/, '').replace(/\.gz$/i, '');
  const named = SUFFIXES.find(([suffix]) => suffix.test(bare))?.[1];
  if (named === 'csv' && asked === 'auto') return { format: 'csv', tagged: false };
  const first = firstByte(head);
  if (first === undefined) return { format: named === 'jsonl' ? 'jsonl' : 'json', tagged: asked === 'ddb-json' };
  if (first !== '{' && first !== '[') return undefined;
  const format = first === '{' && path.length === 0 && (named === 'jsonl' || areLines(head)) ? 'jsonl' : 'json';
  return { format, tagged: asked === 'ddb-json' || looksTagged(firstItem(head, path)) };
}

function firstByte(head: Buffer): string | undefined {
  const text = head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
  return /\S/.exec(text)?.[0];
}

/** The first line is a whole document: what follows are documents, too, each on its line. */
function areLines(head: Buffer): boolean {
  const text = head.toString('utf8').replace(/^\ufeff/, '');
  const [line = '', ...rest] = text.trimStart().split('\n');
  if (rest.length === 0 || !rest.some((next) => next.trim() !== '')) return false;
  return parsed(Buffer.from(line)) !== undefined;
}

function firstItem(head: Buffer, path: readonly (string | number)[]): unknown {
  try {
    for (const element of new ElementCutter(path).push(head)) return parsed(element.bytes);
  } catch {
    return undefined;
  }
  return undefined;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8').trim());
  } catch {
    return undefined;
  }
}
