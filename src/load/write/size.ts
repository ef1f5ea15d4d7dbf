import type { AttributeValue, Item } from '../../model/item.ts';

/** DynamoDB's limit for an item, names and values together. */
export const MAX_ITEM_BYTES = 400 * 1024;
const UNIT_BYTES = 1024;
/** What a list or map takes beside its elements, and each element of it; a set takes nothing. */
const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

/** The item's size as DynamoDB counts it, in bytes. */
export function itemBytes(item: Item): number {
  let size = 0;
  for (const [name, value] of item) size += Buffer.byteLength(name) + valueBytes(value);
  return size;
}

/** Write units of an item in the table itself; indexes cost theirs. */
export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / UNIT_BYTES));
}

function valueBytes(value: AttributeValue): number {
  switch (value.tag) {
    case 'S':
      return Buffer.byteLength(value.value);
    case 'N':
      return numberBytes(value.value);
    case 'B':
      return Buffer.byteLength(value.value, 'base64');
    case 'BOOL':
    case 'NULL':
      return 1;
    case 'SS':
      return value.value.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    case 'NS':
      return value.value.reduce((sum, text) => sum + numberBytes(text), 0);
    case 'BS':
      return value.value.reduce((sum, text) => sum + Buffer.byteLength(text, 'base64'), 0);
    case 'L':
      return value.value.reduce((sum, each) => sum + ELEMENT_BYTES + valueBytes(each), CONTAINER_BYTES);
    case 'M': {
      let size = CONTAINER_BYTES;
      for (const [name, each] of value.value) size += ELEMENT_BYTES + Buffer.byteLength(name) + valueBytes(each);
      return size;
    }
  }
}

/** Two digits take a byte; zeros at either end take none. */
function numberBytes(text: string): number {
  const digits = text
    .replace(/^-?0*\.?0*/, '')
    .replace('.', '')
    .replace(/0+$/, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}
