import { type Decimals, decimalsAt, NO_DECIMALS } from './decimals.ts';

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

type Shape =
  | { readonly kind: 'null' }
  | { readonly kind: 'scalar'; readonly json: string; readonly text: string; readonly number: boolean }
  | { readonly kind: 'list'; readonly items: readonly unknown[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, unknown])[] };

/** Any value that a query can give, told apart once; numbers keep every digit. */
function shapeOf(value: unknown): Shape {
  if (value === null || value === undefined) return { kind: 'null' };
  switch (typeof value) {
    case 'string':
      return scalar(value, false);
    case 'bigint':
      return scalar(value.toString(), true);
    case 'boolean':
      return { kind: 'scalar', json: String(value), text: String(value), number: false };
    case 'number':
      return scalar(Object.is(value, -0) ? '-0.0' : String(value), Number.isFinite(value));
    default:
      return objectShape(value);
  }
}

function scalar(text: string, number: boolean): Shape {
  return { kind: 'scalar', json: number ? text : JSON.stringify(text), text, number };
}

function objectShape(value: unknown): Shape {
  if (value instanceof Uint8Array)
    return scalar(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'), false);
  if (value instanceof Date) return scalar(value.toISOString(), false);
  if (Array.isArray(value)) return { kind: 'list', items: value };
  if (value instanceof Map)
    return { kind: 'object', entries: [...value].map(([key, entry]) => [cellText(key), entry]) };
  if (typeof value !== 'object' || value === null) return scalar(String(value), false);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return { kind: 'object', entries: Object.entries(value) };
  // Decimals, times and the like: their own text is exact.
  const text = String(value);
  return scalar(text, NUMBER.test(text));
}

/** A cell as JSON, exact: 64-bit integers and decimals as they are, binary as base64. */
export function cellJson(value: unknown, decimals: Decimals = NO_DECIMALS): string {
  const shape = shapeOf(value);
  switch (shape.kind) {
    case 'null':
      return 'null';
    case 'scalar':
      return decimals.kind === 'decimal' && NUMBER.test(shape.text) ? shape.text : shape.json;
    case 'list':
      return `[${shape.items.map((item) => cellJson(item, decimals.kind === 'list' ? decimals.item : NO_DECIMALS)).join(',')}]`;
    case 'object':
      return `{${shape.entries.map(([name, entry]) => `${JSON.stringify(name)}:${cellJson(entry, decimalsAt(decimals, name))}`).join(',')}}`;
  }
}

/** A cell as text: bare for scalars, JSON for what is nested, empty for null. */
export function cellText(value: unknown, decimals: Decimals = NO_DECIMALS): string {
  const shape = shapeOf(value);
  return shape.kind === 'null' ? '' : shape.kind === 'scalar' ? shape.text : cellJson(value, decimals);
}

/** Numbers stand to the right. */
export function isNumber(value: unknown, decimals: Decimals = NO_DECIMALS): boolean {
  const shape = shapeOf(value);
  return shape.kind === 'scalar' && (shape.number || (decimals.kind === 'decimal' && NUMBER.test(shape.text)));
}
