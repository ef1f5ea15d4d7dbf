import { pathText } from '../../model/attribute-path.ts';
import type { AttributeValue, Change, Item, Lines } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';
import { checkChange, MICROS } from './change.ts';
import { LineFault, Scanner } from './scan.ts';

export type ParsedLine =
  /** Of a change, the item is its new image, or, where that is gone, its key. */
  | { readonly ok: true; readonly item: Item; readonly change?: Change }
  /** Why not, in one phrase without any value of the item. */
  | { readonly ok: false; readonly reason: string };

/** DynamoDB nests up to 32 levels; the margin is for what it may hold one day. */
export const MAX_NESTING = 100;
const MAX_SHOWN = 100;
const LONE_SURROGATE = /\p{Surrogate}/u;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a reader of lines has to know of them. */
export type LineRules = Pick<Lines, 'shape' | 'oldImages'>;

/**
 * Reads one line of a full export, `{"Item":{…}}`, or of an incremental one, `{"Metadata":…,"Keys":…,"NewImage":…}`,
 * believing nothing; numbers come out in DynamoDB's own spelling.
 */
export function parseLine(line: string | Uint8Array, rules?: LineRules): ParsedLine {
  const text = typeof line === 'string' ? line : decodeUtf8(line);
  if (text === undefined) return { ok: false, reason: 'not UTF-8' };
  if (text.startsWith('\ufeff')) return { ok: false, reason: 'begins with a byte order mark' };
  if (typeof line === 'string' && LONE_SURROGATE.test(text)) return { ok: false, reason: 'lone surrogate' };
  const path: (string | number)[] = [];
  try {
    if (rules?.shape !== 'change') return { ok: true, item: parseItem(new Scanner(text), path) };
    const change = parseChange(new Scanner(text), path, rules.oldImages);
    return { ok: true, item: change.newImage ?? change.keys, change };
  } catch (thrown) {
    if (!(thrown instanceof LineFault)) throw thrown;
    return {
      ok: false,
      reason: path.length === 0 ? thrown.message : `attribute ${pathText(path).slice(0, MAX_SHOWN)}: ${thrown.message}`,
    };
  }
}

/** The text of bytes that are well-formed UTF-8; a byte order mark stays. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function parseItem(scanner: Scanner, path: (string | number)[]): Item {
  if (!scanner.take('{')) throw new LineFault('not a JSON object');
  if (scanner.take('}')) throw new LineFault('no member "Item"');
  const name = scanner.string();
  if (name !== 'Item') throw new LineFault(`unknown member ${quoted(name)}; a full export's line has only "Item"`);
  scanner.expect(':');
  if (!scanner.sees('{')) throw new LineFault('"Item" is not an object');
  const item = parseMembers(scanner, path, 0);
  if (scanner.take(',')) {
    const extra = scanner.string();
    throw new LineFault(extra === 'Item' ? '"Item" stands twice' : `unknown member ${quoted(extra)} beside "Item"`);
  }
  scanner.expect('}');
  if (!scanner.atEnd()) throw scanner.fault('text after the item');
  return item;
}

/** Members that are null count as absent, as for the engine. */
function parseChange(scanner: Scanner, path: (string | number)[], oldImages: boolean): Change {
  if (!scanner.take('{')) throw new LineFault('not a JSON object');
  const seen = new Set<string>();
  const images = new Map<string, Item>();
  let micros: string | undefined;
  if (!scanner.take('}')) {
    do {
      const name = scanner.string();
      if (seen.has(name)) throw new LineFault(`${quoted(name)} stands twice`);
      seen.add(name);
      scanner.expect(':');
      if (name === 'Metadata') micros = parseMicros(scanner);
      else if (name === 'OldImage' && !oldImages) scanner.skip();
      else if (name === 'Keys' || name === 'OldImage' || name === 'NewImage') {
        if (scanner.takeWord('null')) continue;
        if (!scanner.sees('{')) throw new LineFault(`${quoted(name)} is not an object`);
        images.set(name, parseMembers(scanner, path, 0));
      } else throw new LineFault(`unknown member ${quoted(name)} in the line of a change`);
    } while (scanner.take(','));
    scanner.expect('}');
  }
  if (!scanner.atEnd()) throw scanner.fault('text after the change');
  return checkChange({
    micros,
    keys: images.get('Keys'),
    oldImage: images.get('OldImage'),
    newImage: images.get('NewImage'),
  });
}

/** `{"WriteTimestampMicros":{"N":"…"}}`, as real exports have it, or the number or its text alone, as documents show. */
function parseMicros(scanner: Scanner): string | undefined {
  let micros: string | undefined;
  if (scanner.takeWord('null')) return undefined;
  if (!scanner.take('{')) throw new LineFault('"Metadata" is not an object');
  if (scanner.take('}')) return undefined;
  do {
    const name = scanner.string();
    scanner.expect(':');
    if (name !== MICROS) {
      scanner.skip();
      continue;
    }
    if (micros !== undefined) throw new LineFault(`${quoted(name)} stands twice`);
    const typed = scanner.take('{');
    if (typed) {
      if (scanner.string() !== 'N') throw new LineFault(`${quoted(MICROS)} is not a number`);
      scanner.expect(':');
    }
    micros = scanner.sees('"') ? scanner.string() : scanner.number();
    if (typed) scanner.expect('}');
  } while (scanner.take(','));
  scanner.expect('}');
  return micros;
}

function parseMembers(scanner: Scanner, path: (string | number)[], level: number): Map<string, AttributeValue> {
  const members = new Map<string, AttributeValue>();
  scanner.expect('{');
  if (scanner.take('}')) return members;
  do {
    const name = scanner.string();
    path.push(name);
    if (members.has(name)) throw new LineFault('stands twice');
    scanner.expect(':');
    members.set(name, parseValue(scanner, path, level));
    path.pop();
  } while (scanner.take(','));
  scanner.expect('}');
  return members;
}

/** `{"TAG":…}` with exactly one tag. */
function parseValue(scanner: Scanner, path: (string | number)[], level: number): AttributeValue {
  if (!scanner.take('{')) throw new LineFault('not an object with a type tag');
  if (scanner.take('}')) throw new LineFault('no type tag');
  const tag = scanner.string();
  scanner.expect(':');
  const value = parseTagged(scanner, tag, path, level);
  if (scanner.take(',')) throw new LineFault(`two type tags, ${quoted(tag)} and ${quoted(scanner.string())}`);
  scanner.expect('}');
  return value;
}

function parseTagged(scanner: Scanner, tag: string, path: (string | number)[], level: number): AttributeValue {
  switch (tag) {
    case 'S':
      return { tag, value: textOf(scanner, tag) };
    case 'N':
      return { tag, value: checkNumber(textOf(scanner, tag)) };
    case 'B':
      return { tag, value: checkBase64(textOf(scanner, tag)) };
    case 'BOOL':
      if (scanner.takeWord('true')) return { tag, value: true };
      if (scanner.takeWord('false')) return { tag, value: false };
      throw new LineFault('BOOL is not true or false');
    case 'NULL':
      if (scanner.takeWord('true')) return { tag, value: true };
      throw new LineFault('NULL is not true');
    case 'SS':
      return { tag, value: parseSet(scanner, tag, (text) => text) };
    case 'NS':
      return { tag, value: parseSet(scanner, tag, checkNumber) };
    case 'BS':
      return { tag, value: parseSet(scanner, tag, checkBase64) };
    case 'L':
      return { tag, value: parseList(scanner, path, deeper(level)) };
    case 'M':
      if (!scanner.sees('{')) throw new LineFault('M is not an object');
      return { tag, value: parseMembers(scanner, path, deeper(level)) };
    default:
      throw new LineFault(`unknown type tag ${quoted(tag)}`);
  }
}

function parseList(scanner: Scanner, path: (string | number)[], level: number): AttributeValue[] {
  if (!scanner.take('[')) throw new LineFault('L is not an array');
  const values: AttributeValue[] = [];
  if (scanner.take(']')) return values;
  do {
    path.push(values.length);
    values.push(parseValue(scanner, path, level));
    path.pop();
  } while (scanner.take(','));
  scanner.expect(']');
  return values;
}

function parseSet(scanner: Scanner, tag: string, check: (text: string) => string): string[] {
  if (!scanner.take('[')) throw new LineFault(`${tag} is not an array`);
  if (scanner.take(']')) throw new LineFault(`${tag} is an empty set`);
  const values: string[] = [];
  do {
    values.push(check(textOf(scanner, tag)));
  } while (scanner.take(','));
  scanner.expect(']');
  return values;
}

function textOf(scanner: Scanner, tag: string): string {
  if (!scanner.sees('"'))
    throw new LineFault(tag.length === 2 ? `${tag} holds something that is not a string` : `${tag} is not a string`);
  return scanner.string();
}

function checkNumber(text: string): string {
  const number = canonicalNumber(text);
  if (number === undefined) throw new LineFault('not a number that DynamoDB can hold');
  return number;
}

/** Only what prints back the same: standard alphabet, padded, no stray bits at the end. */
function checkBase64(text: string): string {
  if (Buffer.from(text, 'base64').toString('base64') !== text) throw new LineFault('not base64');
  return text;
}

function deeper(level: number): number {
  if (level >= MAX_NESTING) throw new LineFault(`nested deeper than ${MAX_NESTING} levels`);
  return level + 1;
}

function quoted(name: string): string {
  return JSON.stringify(name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name);
}
