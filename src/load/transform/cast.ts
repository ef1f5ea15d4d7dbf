import type { AttributeValue } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';
import { LineFault } from '../../source/lines/scan.ts';
import { parsePlainValue } from '../values/plain.ts';
import { setOf } from '../values/rules.ts';
import type { CastType } from './parse.ts';

/** The value as the type that was asked for. NULL stays NULL. Undefined: an empty set, which cannot be. Throws LineFault. */
export function castValue(value: AttributeValue, to: CastType, name: string): AttributeValue | undefined {
  if (value.tag === 'NULL') return value;
  switch (to) {
    case 'string':
      return { tag: 'S', value: textOf(value, name) };
    case 'number':
      return toNumber(value, name);
    case 'boolean':
      return toBoolean(value, name);
    case 'binary':
      return toBinary(value, name);
    case 'set':
      return setOf(value, name);
    case 'json':
      if (value.tag !== 'S') return value;
      return parsePlainValue(value.value);
  }
}

function textOf(value: AttributeValue, name: string): string {
  if (value.tag === 'S' || value.tag === 'N' || value.tag === 'B') return value.value;
  if (value.tag === 'BOOL') return String(value.value);
  throw refused(value, name, 'a string');
}

function toNumber(value: AttributeValue, name: string): AttributeValue {
  if (value.tag === 'N') return value;
  if (value.tag !== 'S') throw refused(value, name, 'a number');
  const number = canonicalNumber(value.value.trim());
  if (number === undefined) throw new LineFault(`attribute ${name}: the text is no number that DynamoDB can hold`);
  return { tag: 'N', value: number };
}

function toBoolean(value: AttributeValue, name: string): AttributeValue {
  if (value.tag === 'BOOL') return value;
  if (value.tag !== 'S' && value.tag !== 'N') throw refused(value, name, 'a boolean');
  const text = value.value.trim().toLowerCase();
  if (text === 'true' || text === '1') return { tag: 'BOOL', value: true };
  if (text === 'false' || text === '0') return { tag: 'BOOL', value: false };
  throw new LineFault(`attribute ${name}: neither true, false, 1 nor 0`);
}

function toBinary(value: AttributeValue, name: string): AttributeValue {
  if (value.tag === 'B') return value;
  if (value.tag !== 'S') throw refused(value, name, 'binary');
  if (Buffer.from(value.value, 'base64').toString('base64') !== value.value)
    throw new LineFault(`attribute ${name}: the text is not base64`);
  return { tag: 'B', value: value.value };
}

function refused({ tag }: AttributeValue, name: string, what: string): LineFault {
  return new LineFault(`attribute ${name}: a value of type ${tag} cannot become ${what}`);
}
