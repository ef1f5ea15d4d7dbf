import fc from 'fast-check';
import type { DdbItem, DdbValue } from './ion.ts';

/** Attribute names that struck systems of this kind; each is legal in DynamoDB. */
export const NASTY_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'then',
  'toJSON',
  'Item',
  'Keys',
  'NewImage',
  'OldImage',
  'S',
  'N',
  'B',
  'BOOL',
  'NULL',
  'SS',
  'NS',
  'BS',
  'L',
  'M',
  'price',
  'Price',
  'PRICE',
  'straße',
  'STRASSE',
  'İ',
  'i',
  'ﬁ',
  'é',
  'e\u0301',
  '_rescued',
  '_written_at',
  '_sequence',
  '_deleted',
  '_source',
  '_file',
  '_pos',
  '_change_type',
  '_rescued_1',
  'select',
  'order',
  'group',
  'table',
  'from',
  'null',
  'true',
  'default',
  'rowid',
  'filename',
  'key',
  'value',
  'entries',
  'element',
  'list',
  'key_value',
  'column0',
  't',
  'a.b',
  'a..b',
  '.',
  'a b',
  ' ',
  ' leading',
  'trailing ',
  '"',
  '""',
  "'",
  "''",
  '`',
  '\\',
  '/',
  '//',
  '$',
  '$.a',
  '?',
  '*',
  '%s',
  '{}',
  '[0]',
  'a:b',
  'a=b',
  'a,b',
  'a;b',
  '#',
  '@',
  '--',
  '/*',
  '\u0000',
  '\u0001',
  '\t',
  '\n',
  '\r\n',
  '\u007f',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '1',
  '01',
  '1abc',
  '-1',
  '😀',
  '👩‍👩‍👧',
  '日本語',
  'عربى',
  'x'.repeat(255),
  'NaN',
  'undefined',
];

/** Strings that were taken for something else, cut, or mangled. */
export const NASTY_STRINGS: readonly string[] = [
  '',
  ' ',
  '"',
  '\\',
  '\\u0000',
  '\u0000',
  'a\u0000b',
  '\n',
  '\r\n',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '😀',
  '日本語',
  'null',
  'NULL',
  'true',
  '0',
  '00',
  '1e5',
  'NaN',
  '{}',
  '[]',
  '{"S":"x"}',
  '2026-03-01T12:00:00Z',
  '2026-03-01',
  '1772366400',
  '__HIVE_DEFAULT_PARTITION__',
  'a/b',
  'a=b',
  '..',
  "'; drop table t; --",
  'ß',
  'İ',
  '\u0301',
  'x'.repeat(300),
];

const NINES = '9'.repeat(38);

/** Numbers at every edge that DynamoDB has, in its own plain decimal. */
export const NASTY_NUMBERS: readonly string[] = [
  '0',
  '1',
  '-1',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '9007199254740993',
  '0.1',
  '-0.1',
  '1.7',
  '1.239',
  '999999999999999.999',
  NINES,
  `-${NINES}`,
  `0.${NINES}`,
  `${'9'.repeat(19)}.${'9'.repeat(19)}`,
  `1${'0'.repeat(125)}`,
  `${NINES}${'0'.repeat(88)}`,
  `-${NINES}${'0'.repeat(88)}`,
  `0.${'0'.repeat(129)}1`,
  `-0.${'0'.repeat(129)}1`,
  `0.${'0'.repeat(129)}${NINES}`,
  `0.${'0'.repeat(44)}1`,
  '1772366400123',
];

export interface NastyOptions {
  /** Type of the key attribute `pk`; default S. */
  readonly keyType?: 'S' | 'N' | 'B';
  /** This many attribute names, spread over the items, that appear nowhere else. */
  readonly distinctNames?: number;
  /** Leave out the few strings of 380 KB. */
  readonly noHuge?: boolean;
}

/** `n` items of every kind that is legal in DynamoDB and hard elsewhere; the same seed gives the same items. */
export function nastyItems(seed: number, n: number, options: NastyOptions = {}): DdbItem[] {
  const random = mulberry32(seed);
  return Array.from({ length: n }, (_, index) => nastyItem(random, index, n, options));
}

function nastyItem(random: Random, index: number, n: number, options: NastyOptions): DdbItem {
  const attributes = new Map<string, DdbValue>();
  attributes.set('pk', keyValue(options.keyType ?? 'S', index));
  if (chance(random, 0.9)) attributes.set('name', { S: pick(random, NASTY_STRINGS) });
  if (chance(random, 0.9)) attributes.set('qty', { N: String(Math.floor(random() * 1000) - 100) });
  if (chance(random, 0.5)) attributes.set('amount', { N: (Math.floor(random() * 1e6) / 100).toString() });
  if (chance(random, 0.5)) attributes.set('tags', { SS: distinct(2, () => `tag${Math.floor(random() * 50)}`) });
  if (chance(random, 0.5)) attributes.set('address', { M: address(random) });
  if (chance(random, 0.3)) attributes.set('lines', { L: Array.from({ length: 3 }, () => ({ M: address(random) })) });
  attributes.set('anything', anyOfTag(random, index % 10, 2));
  for (let count = Math.floor(random() * 4); count > 0; count -= 1) {
    attributes.set(pick(random, NASTY_NAMES), anyOfTag(random, Math.floor(random() * 10), 3));
  }
  if (index % 97 === 13) attributes.set('deep', nested(random, 29));
  if (index % 2500 === 41 && options.noHuge !== true) attributes.set('huge', { S: hugeString(random) });
  if (index % 5000 === 43) attributes.set(`long ${'n'.repeat(60_000)}`, { S: 'a name of 60 KB' });
  for (let name = index; name < (options.distinctNames ?? 0); name += n) {
    attributes.set(`u_${name.toString(36)}`, anyOfTag(random, name % 10, 1));
  }
  return record(attributes);
}

/** No attribute but the key may be missing, and keys are never empty: DynamoDB's own rules. */
function keyValue(type: 'S' | 'N' | 'B', index: number): DdbValue {
  if (type === 'N')
    return { N: index % 3 === 0 ? `-${index + 1}` : index % 3 === 1 ? `${index}.5` : String(index + 1) };
  const text = `${pickAt(NASTY_STRINGS, index)}#${index}`;
  return type === 'S' ? { S: text } : { B: Buffer.from(text).toString('base64') };
}

function address(random: Random): DdbItem {
  const members = new Map<string, DdbValue>([['city', { S: pick(random, NASTY_STRINGS) }]]);
  if (chance(random, 0.7)) members.set('zip', { N: String(Math.floor(random() * 99_999)) });
  if (chance(random, 0.2)) members.set('City', { S: 'differs only by case' });
  if (chance(random, 0.1)) members.set('zip', { NULL: true });
  return chance(random, 0.1) ? record(new Map()) : record(members);
}

function anyOfTag(random: Random, tag: number, depth: number): DdbValue {
  const child = (): DdbValue => anyOfTag(random, Math.floor(random() * (depth > 1 ? 10 : 8)), depth - 1);
  const count = Math.floor(random() * 4);
  switch (tag) {
    case 0:
      return { S: pick(random, NASTY_STRINGS) };
    case 1:
      return { N: pick(random, NASTY_NUMBERS) };
    case 2:
      return { B: base64(random, Math.floor(random() * 9)) };
    case 3:
      return { BOOL: chance(random, 0.5) };
    case 4:
      return { NULL: true };
    case 5:
      return { SS: distinct(count + 1, () => pick(random, NASTY_STRINGS)) };
    case 6:
      return { NS: distinct(count + 1, () => pick(random, NASTY_NUMBERS)) };
    case 7:
      return { BS: distinct(count + 1, () => base64(random, Math.floor(random() * 9))) };
    case 8:
      return { L: Array.from({ length: count }, child) };
    default:
      return { M: record(new Map(Array.from({ length: count }, () => [pick(random, NASTY_NAMES), child()]))) };
  }
}

/** Maps and lists in turn, `levels` of them around one string. */
function nested(random: Random, levels: number): DdbValue {
  let value: DdbValue = { S: 'bottom' };
  for (let level = 0; level < levels; level += 1) {
    value = level % 2 === 0 ? { M: record(new Map([[pick(random, NASTY_NAMES), value]])) } : { L: [value] };
  }
  return value;
}

/** 380 KB in UTF-8; escapes make its line about twice as long. */
function hugeString(random: Random): string {
  const parts: string[] = [];
  for (let bytes = 0; bytes < 380_000; ) {
    const part = pick(random, ['é"\\', 'plain text', '\u0001\n', '😀']);
    parts.push(part);
    bytes += Buffer.byteLength(part);
  }
  return parts.join('');
}

/** A plain object that keeps every name, `__proto__` too. */
function record(members: ReadonlyMap<string, DdbValue>): DdbItem {
  return Object.fromEntries(members);
}

type Random = () => number;

/** A small seeded generator: the same seed, the same numbers. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const chance = (random: Random, share: number): boolean => random() < share;
const pickAt = <T>(choices: readonly T[], index: number): T => choices[index % choices.length] as T;
const pick = <T>(random: Random, choices: readonly T[]): T => pickAt(choices, Math.floor(random() * choices.length));
const distinct = (count: number, make: () => string): string[] => [...new Set(Array.from({ length: count }, make))];
const base64 = (random: Random, bytes: number): string =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256))).toString('base64');

/** DynamoDB's plain decimal of `digits × 10^power`. */
export function plainDecimal(negative: boolean, digits: string, power: number): string {
  const significant = digits.replace(/^0+/, '');
  if (significant === '') return '0';
  const point = significant.length + power;
  let text: string;
  if (point <= 0) text = `0.${'0'.repeat(-point)}${significant}`;
  else if (point >= significant.length) text = significant.padEnd(point, '0');
  else text = `${significant.slice(0, point)}.${significant.slice(point)}`;
  if (text.includes('.')) text = text.replace(/0+$/, '').replace(/\.$/, '');
  return negative ? `-${text}` : text;
}

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(...NASTY_STRINGS) },
);
const nameArbitrary = fc.oneof(
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }) },
  { weight: 2, arbitrary: fc.constantFrom(...NASTY_NAMES) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'c', 'A') },
);

/** Any number that DynamoDB can hold, as it writes it. */
export const numberArbitrary: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY_NUMBERS),
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc
    .tuple(
      fc.boolean(),
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 38 }),
      fc.integer({ min: -130, max: 125 }),
    )
    .map(([negative, digits, adjusted]) =>
      plainDecimal(negative, digits, adjusted - digits.replace(/^0+/, '').length + 1),
    ),
);
const binary = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64'));

const { value: valueTie } = fc.letrec<{ value: DdbValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text.map((S): DdbValue => ({ S })),
    numberArbitrary.map((N): DdbValue => ({ N })),
    binary.map((B): DdbValue => ({ B })),
    fc.boolean().map((BOOL): DdbValue => ({ BOOL })),
    fc.constant<DdbValue>({ NULL: true }),
    fc.uniqueArray(text, { minLength: 1, maxLength: 4 }).map((SS): DdbValue => ({ SS })),
    fc.uniqueArray(numberArbitrary, { minLength: 1, maxLength: 4 }).map((NS): DdbValue => ({ NS })),
    fc.uniqueArray(binary, { minLength: 1, maxLength: 4 }).map((BS): DdbValue => ({ BS })),
    fc.array(tie('value'), { maxLength: 4 }).map((L): DdbValue => ({ L })),
    fc
      .array(fc.tuple(nameArbitrary, tie('value')), { maxLength: 4 })
      .map((entries): DdbValue => ({ M: Object.fromEntries(entries) })),
  ),
}));

/** Any attribute value. */
export const valueArbitrary: fc.Arbitrary<DdbValue> = valueTie;

/** Any item with a string key `pk`; keys are not unique from item to item. */
export const itemArbitrary: fc.Arbitrary<DdbItem> = fc
  .tuple(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(nameArbitrary, valueArbitrary), { maxLength: 6 }),
  )
  .map(([key, attributes]) =>
    Object.fromEntries([...attributes.filter(([name]) => name !== 'pk'), ['pk', { S: key }]]),
  );

/** Several items with distinct keys. */
export const itemsArbitrary: fc.Arbitrary<DdbItem[]> = fc
  .array(itemArbitrary, { minLength: 1, maxLength: 12 })
  .map((items) => items.map((item, index) => Object.fromEntries([...Object.entries(item), ['pk', { S: `${index}` }]])));
