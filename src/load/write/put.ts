import type { Item } from '../../model/item.ts';
import { printLine } from '../../source/lines/print.ts';
import { writeUnits } from './size.ts';

/** An item on its way into the table. */
export interface Put {
  /** Equal for equal keys. */
  readonly id: string;
  /** `{"PutRequest":{"Item":{…}}}`. */
  readonly text: string;
  readonly textBytes: number;
  /** Write units in the table itself. */
  readonly units: number;
  /** Which item of its input it is, from 1, where it stood, and how it came. */
  readonly number: number;
  readonly line: number;
  readonly raw: Buffer;
}

/** The put of an item that was checked. */
export function putOf(
  item: Item,
  { id, bytes }: { readonly id: string; readonly bytes: number },
  from: { readonly number: number; readonly line: number; readonly raw: Buffer },
): Put {
  const text = `{"PutRequest":${printLine(item)}}`;
  return { id, text, textBytes: Buffer.byteLength(text), units: writeUnits(bytes), ...from };
}
