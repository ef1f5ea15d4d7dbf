import type { DdbItem, DdbValue } from './ion.ts';

/**
 * One text per item value: names sorted, sets sorted, numbers by value. Two items are equal exactly if their
 * canonical texts are. Written for tests, apart from src/, so that neither can hide the other's faults.
 */
export function canonicalItem(item: DdbItem): string {
  return members(item);
}

/** The canonical text of a line of a full export: `{"Item":{…}}`. */
export function canonicalLine(line: string): string {
  return canonicalItem((JSON.parse(line) as { Item: DdbItem }).Item);
}

function members(map: DdbItem): string {
  const names = Object.keys(map).sort((a, b) => (a < b ? -1 : 1));
  const entry = (name: string): string =>
    `${JSON.stringify(name)}:${canonicalValue(Reflect.get(map, name) as DdbValue)}`;
  return `{${names.map(entry).join(',')}}`;
}

/** The canonical text of one attribute value. */
export function canonicalValue(value: DdbValue): string {
  const entries = Object.entries(value);
  const [tag, inner] = entries[0] ?? [];
  if (entries.length !== 1 || tag === undefined) throw new Error(`not one tag: ${JSON.stringify(value).slice(0, 80)}`);
  return `{"${tag}":${canonicalInner(tag, inner)}}`;
}

function canonicalInner(tag: string, inner: unknown): string {
  if (tag === 'M') return members(inner as DdbItem);
  if (tag === 'L') return `[${(inner as DdbValue[]).map(canonicalValue).join(',')}]`;
  if (tag === 'N') return canonicalNumber(inner as string);
  if (tag === 'NS') return `[${(inner as string[]).map(canonicalNumber).sort().join(',')}]`;
  if (tag === 'SS' || tag === 'BS')
    return `[${(inner as string[])
      .map((text) => JSON.stringify(text))
      .sort()
      .join(',')}]`;
  return JSON.stringify(inner);
}

/** `±digits E exponent`, digits without zeros at either end. */
function canonicalNumber(text: string): string {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (typeof text !== 'string' || parts === null) throw new Error(`not a number: ${JSON.stringify(text)}`);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign === '-' ? '-' : ''}${significant}E${power}`;
}
