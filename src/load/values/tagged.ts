import type { Item } from '../../model/item.ts';
import { decodeUtf8, parseLine } from '../../source/lines/parse.ts';
import { LineFault } from '../../source/lines/scan.ts';

const PUT = /^\s*\{\s*"PutRequest"\s*:\s*(\{.*\})\s*\}\s*$/s;
const WRAPPED = /^\s*\{\s*"Item"\s*:\s*\{/;
const TAGS = new Set(['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M']);

/**
 * Reads an item in DynamoDB JSON: `{"Item":{…}}` as in exports, `{"PutRequest":{"Item":{…}}}` as in batches, or the
 * attributes alone. Throws LineFault.
 */
export function parseTaggedItem(bytes: Uint8Array | string): Item {
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes);
  if (text === undefined) throw new LineFault('not UTF-8');
  const line = PUT.exec(text)?.[1] ?? (isWrapped(text) ? text : `{"Item":${text}}`);
  const parsed = parseLine(line);
  if (!parsed.ok) throw new LineFault(parsed.reason);
  return parsed.item;
}

/** An attribute may be called Item, too: `{"Item":{"S":"x"}}` are attributes alone. */
function isWrapped(text: string): boolean {
  if (!WRAPPED.test(text)) return false;
  return !/^\s*\{\s*"Item"\s*:\s*\{\s*"(?:S|N|B|BOOL|NULL|SS|NS|BS|L|M)"\s*:\s*(?!\{)/.test(text);
}

/** Whether a parsed JSON value looks like an item in DynamoDB JSON. */
export function looksTagged(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (isObject(value['PutRequest'])) return looksTagged(value['PutRequest']);
  const names = Object.keys(value);
  const inner = value['Item'];
  if (names.length === 1 && isObject(inner) && !isTagged(inner)) return looksTagged(inner);
  return names.length > 0 && names.every((name) => isTagged(value[name]));
}

function isTagged(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [tag = '', ...more] = Object.keys(value);
  return more.length === 0 && TAGS.has(tag);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
