import { pathText } from '../../model/attribute-path.ts';
import type { Item } from '../../model/item.ts';
import { itemBytes, MAX_ITEM_BYTES } from './size.ts';
import type { TableKey } from './table.ts';

const MAX_KEY_BYTES = [2048, 1024] as const;
const TYPE_NAMES = { S: 'a string', N: 'a number', B: 'binary' } as const;

export type Checked =
  | { readonly ok: true; readonly bytes: number; readonly id: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Whether DynamoDB would take the item, as far as can be told before it is asked: one bad item would have its whole
 * batch refused. `id` is equal for equal keys.
 */
export function checkItem(item: Item, { key, indexKeys }: TableKey): Checked {
  const parts: string[] = [];
  for (const [place, { attr, tag }] of key.entries()) {
    const value = item.get(attr);
    if (value === undefined) return refuse(`key attribute ${attr} is missing${wrapped(item)}`);
    if (value.tag !== tag)
      return refuse(`key attribute ${attr} is of type ${value.tag}, and the table's key is ${TYPE_NAMES[tag]}`);
    if (value.value === '') return refuse(`key attribute ${attr} is empty`);
    const max = MAX_KEY_BYTES[place === 0 ? 0 : 1];
    if (Buffer.byteLength(value.value as string, tag === 'B' ? 'base64' : 'utf8') > max)
      return refuse(`key attribute ${attr} is longer than ${max} bytes`);
    parts.push(`${(value.value as string).length}:${value.value as string}`);
  }
  for (const { attr, tag } of indexKeys) {
    const value = item.get(attr);
    if (value === undefined) continue;
    if (value.tag !== tag)
      return refuse(`attribute ${attr} is of type ${value.tag}, and an index has it as ${TYPE_NAMES[tag]}`);
    if (value.value === '') return refuse(`attribute ${attr} is empty, and it is the key of an index`);
  }
  const bytes = itemBytes(item);
  if (bytes > MAX_ITEM_BYTES) return refuse(`${bytes} bytes, and an item may have ${MAX_ITEM_BYTES}`);
  return { ok: true, bytes, id: parts.join(' ') };
}

function refuse(reason: string): Checked {
  return { ok: false, reason };
}

/** Whoever loads `{"data":[{…}]}` wants what is in it. */
function wrapped(item: Item): string {
  const list = [...item].find(([, value]) => value.tag === 'L' && value.value[0]?.tag === 'M')?.[0];
  return list === undefined ? '' : `; if it is a list of items that is meant, name it: --items ${pathText([list])}`;
}
