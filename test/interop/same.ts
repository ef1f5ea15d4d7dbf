import { isLosslessNumber, parse } from 'lossless-json';
import type { ColumnType, Field, OriginTag } from '../../src/model/schema.ts';
import { canonicalValue } from '../data/canonical.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { type Canon, canonText, plainNumber } from './canonical.ts';
import type { Fit } from './expected.ts';
import type { Reader } from './readers.ts';

interface Position {
  readonly tag: OriginTag;
  readonly type: ColumnType;
}

/** Whether a reader's value is the one that was expected; where only a part fits, the rest must be null. */
export function sameValue(fit: Fit, actual: Canon, column: Field | undefined, reader: Reader): boolean {
  return same(fit.value, actual, column, fit.exact === 'part', reader);
}

function same(expected: Canon, actual: Canon, at: Position | undefined, part: boolean, reader: Reader): boolean {
  if (actual === null) return expected === null || part;
  if (expected === null) return reader === 'pyiceberg' && readsNullAsEmpty(at?.type) && isEmpty(actual);
  if (typeof expected === 'string') return sameText(expected, actual, at?.type);
  if (Array.isArray(expected)) return sameList(expected, actual, at, part, reader);
  if (typeof expected === 'object' && '$s' in expected) return sameStruct(expected.$s, actual, at, part, reader);
  if (typeof expected === 'object' && '$m' in expected) return sameMap(expected.$m, actual, at, part, reader);
  if (typeof expected === 'object' && '$f' in expected) {
    return typeof actual === 'object' && '$f' in actual && Number(actual.$f) === Number(expected.$f);
  }
  return canonText(expected) === canonText(actual);
}

/** PyIceberg 0.12 reads a null list of structs and a null map of structs as empty ones, in its own tables, too. */
function readsNullAsEmpty(type: ColumnType | undefined): boolean {
  if (type?.kind === 'list') return type.element.type.kind === 'struct';
  return type?.kind === 'map' && type.value.type.kind === 'struct';
}

function isEmpty(actual: Canon): boolean {
  return canonText(actual) === '[]' || canonText(actual) === '{"$m":[]}';
}

function sameText(expected: string, actual: Canon, type: ColumnType | undefined): boolean {
  if (typeof actual !== 'string') return false;
  if (type?.kind === 'number-text') return plainNumber(actual) === expected;
  if (type?.kind === 'ddb-json') {
    return canonicalValue(JSON.parse(actual) as DdbValue) === canonicalValue(JSON.parse(expected.slice(4)) as DdbValue);
  }
  if (type?.kind === 'json') {
    return canonText(fromJson(parse(actual))) === canonText(plainJson(JSON.parse(expected.slice(5)) as DdbValue));
  }
  return actual === expected;
}

function sameList(
  expected: readonly Canon[],
  actual: Canon,
  at: Position | undefined,
  part: boolean,
  reader: Reader,
): boolean {
  if (!Array.isArray(actual) || actual.length !== expected.length) return false;
  const slot = at?.type.kind === 'list' ? at.type.element : undefined;
  const isSet = at?.tag === 'SS' || at?.tag === 'NS' || at?.tag === 'BS';
  if (isSet && !part) return sorted(expected) === sorted(actual as readonly Canon[]);
  return expected.every((value, index) => same(value, (actual as readonly Canon[])[index] ?? null, slot, part, reader));
}

function sorted(values: readonly Canon[]): string {
  return values.map(canonText).sort().join();
}

function sameStruct(
  expected: Readonly<Record<string, Canon>>,
  actual: Canon,
  at: Position | undefined,
  part: boolean,
  reader: Reader,
): boolean {
  if (actual === null || typeof actual !== 'object' || !('$s' in actual)) return false;
  const members = actual.$s;
  const fields = at?.type.kind === 'struct' ? at.type.fields : [];
  if (Object.keys(expected).length !== Object.keys(members).length) return false;
  return fields.every(
    (field) =>
      Object.hasOwn(members, field.name) &&
      same(expected[field.name] ?? null, members[field.name] ?? null, field, part, reader),
  );
}

function sameMap(
  expected: readonly (readonly [string, Canon])[],
  actual: Canon,
  at: Position | undefined,
  part: boolean,
  reader: Reader,
): boolean {
  if (actual === null || typeof actual !== 'object' || !('$m' in actual)) return false;
  const slot = at?.type.kind === 'map' ? at.type.value : undefined;
  const members = new Map(actual.$m);
  if (members.size !== actual.$m.length || members.size !== expected.length) return false;
  return expected.every(
    ([key, value]) => members.has(key) && same(value, members.get(key) ?? null, slot, part, reader),
  );
}

/** What plain JSON says of a value: numbers by value, so that their spelling does not matter. */
function plainJson(value: DdbValue): Canon {
  const [[tag, inner] = ['', undefined]] = Object.entries(value) as [string, unknown][];
  if (tag === 'NULL') return null;
  if (tag === 'N') return { $n: plainNumber(inner as string) };
  if (tag === 'NS') return (inner as string[]).map((text) => ({ $n: plainNumber(text) }));
  if (tag === 'L') return (inner as DdbValue[]).map(plainJson);
  if (tag === 'M') {
    const members = Object.entries(inner as DdbItem).map(([name, member]) => [name, plainJson(member)] as const);
    return { $s: Object.fromEntries(members) };
  }
  return inner as Canon;
}

function fromJson(node: unknown): Canon {
  if (isLosslessNumber(node)) return { $n: plainNumber(node.toString()) };
  if (Array.isArray(node)) return node.map(fromJson);
  if (node === null || typeof node !== 'object') return node as Canon;
  return { $s: Object.fromEntries(Object.entries(node).map(([name, member]) => [name, fromJson(member)])) };
}
