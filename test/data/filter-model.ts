/** What a filter says of an item, worked out value by value: true, false, or undefined where it is unknown. */
import type { Filter, Literal } from '../../src/schema/filter/tree.ts';
import type { DdbItem, DdbValue } from './ion.ts';

export function meets(filter: Filter, item: DdbItem): boolean | undefined {
  switch (filter.kind) {
    case 'and': {
      const parts = filter.parts.map((part) => meets(part, item));
      return parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;
    }
    case 'or': {
      const parts = filter.parts.map((part) => meets(part, item));
      return parts.includes(true) ? true : parts.includes(undefined) ? undefined : false;
    }
    case 'not': {
      const inner = meets(filter.inner, item);
      return inner === undefined ? undefined : !inner;
    }
    default: {
      const [tag, value] = tagged(valueAt(item, filter.path));
      if (filter.kind === 'is') return tag === undefined || (filter.what === 'null' && tag === 'NULL');
      if (tag === undefined || tag === 'NULL') return undefined;
      return test(filter, tag, value);
    }
  }
}

function test(filter: Exclude<Filter, { kind: 'and' | 'or' | 'not' | 'is' }>, tag: string, value: unknown): boolean {
  switch (filter.kind) {
    case 'compare': {
      const order = compared(tag, value, filter.value);
      if (order === undefined) return false;
      return { '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[filter.op];
    }
    case 'in':
      return filter.values.some((each) => compared(tag, value, each) === 0);
    case 'like':
      return tag === 'S' && pattern(filter.pattern).test(String(value));
    case 'begins_with':
      return tag === 'S' && String(value).startsWith(filter.prefix);
    case 'contains': {
      if (tag === 'S') return filter.value.kind === 'string' && String(value).includes(filter.value.text);
      const elements =
        tag === 'SS' || tag === 'NS'
          ? (value as string[]).map((text) => [tag.slice(0, 1), text] as const)
          : tag === 'L'
            ? (value as DdbValue[]).map((each) => tagged(each))
            : [];
      return elements.some(([of, inner]) => of !== undefined && compared(of, inner, filter.value) === 0);
    }
  }
}

function valueAt(item: DdbItem, [first, ...rest]: readonly (string | number)[]): DdbValue | undefined {
  let value = own(item, String(first));
  for (const step of rest) {
    const [tag, inner] = tagged(value);
    if (typeof step === 'number') value = tag === 'L' ? (inner as DdbValue[])[step] : undefined;
    else value = tag === 'M' ? own(inner as DdbItem, step) : undefined;
  }
  return value;
}

function own(map: DdbItem, name: string): DdbValue | undefined {
  return Object.hasOwn(map, name) ? (Reflect.get(map, name) as DdbValue) : undefined;
}

function tagged(value: DdbValue | undefined): readonly [tag: string | undefined, inner: unknown] {
  return value === undefined ? [undefined, undefined] : (Object.entries(value)[0] as [string, unknown]);
}

function compared(tag: string, value: unknown, literal: Literal): number | undefined {
  if (literal.kind === 'string' && tag === 'S')
    return Buffer.compare(Buffer.from(String(value)), Buffer.from(literal.text));
  if (literal.kind === 'boolean' && tag === 'BOOL') return value === literal.value ? 0 : 1;
  if (literal.kind !== 'number' || tag !== 'N') return undefined;
  const [a, b] = [scaled(String(value)), scaled(literal.text)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The number × 10^200, whole: DynamoDB's smallest digit stands at 1E-168. */
function scaled(text: string): bigint {
  const parts = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) throw new Error(`no number: ${text}`);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const power = 200 + Number(exponent) - fraction.length;
  const size = BigInt(`${whole}${fraction}`) * 10n ** BigInt(power);
  return sign === '-' ? -size : size;
}

function pattern(like: string): RegExp {
  const source = like.replaceAll(/\\([\s\S])|%|_|([\s\S])/gu, (all, escaped?: string, plain?: string) =>
    all === '%'
      ? '[\\s\\S]*'
      : all === '_'
        ? '[\\s\\S]'
        : (escaped ?? plain ?? '').replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'),
  );
  return new RegExp(`^${source}$`, 'u');
}
