import type { AttributeValue, Change, Item } from '../../model/item.ts';
import { LineFault } from './scan.ts';

/** Member of Metadata with the time of the write. */
export const MICROS = 'WriteTimestampMicros';
/** Whole microseconds since 1970, up to the year 5138: the engine computes with them. */
const WHOLE = /^(?:0|[1-9][0-9]{0,16})$/;
const MAX_KEYS = 2;

/** What was read of a change, or the fault that makes it none. */
export function checkChange(read: {
  readonly micros: string | undefined;
  readonly keys: Item | undefined;
  readonly oldImage: Item | undefined;
  readonly newImage: Item | undefined;
}): Change {
  const { micros, keys, newImage } = read;
  if (keys === undefined || keys.size === 0) throw new LineFault('no "Keys"');
  if (micros === undefined) throw new LineFault(`no "${MICROS}" in "Metadata"`);
  if (!WHOLE.test(micros)) throw new LineFault(`"${MICROS}" is not a time in microseconds`);
  if (keys.size > MAX_KEYS) throw new LineFault(`more than ${MAX_KEYS} attributes in "Keys"`);
  for (const [name, value] of keys) {
    if (value.tag !== 'S' && value.tag !== 'N' && value.tag !== 'B')
      throw new LineFault(`key attribute ${JSON.stringify(name)} has type ${value.tag}`);
    if (newImage !== undefined && !sameScalar(value, newImage.get(name)))
      throw new LineFault(`key attribute ${JSON.stringify(name)} of "NewImage" is not that of "Keys"`);
  }
  return { ...read, micros, keys };
}

/** Both are in DynamoDB's own spelling, so equal values have equal texts. */
function sameScalar(a: AttributeValue, b: AttributeValue | undefined): boolean {
  return b !== undefined && a.tag === b.tag && a.value === b.value;
}
