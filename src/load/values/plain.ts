import { pathText } from '../../model/attribute-path.ts';
import type { AttributeValue, Item } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';
import { decodeUtf8 } from '../../source/lines/parse.ts';
import { LineFault, Scanner } from '../../source/lines/scan.ts';

/** What DynamoDB takes: an attribute's value may hold 31 levels of lists and maps below it. */
export const MAX_LEVELS = 32;
const MAX_SHOWN = 100;

/** Reads one plain JSON object as an item: exact numbers, null as NULL, arrays as lists. Throws LineFault. */
export function parsePlainItem(bytes: Uint8Array | string): Item {
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes);
  if (text === undefined) throw new LineFault('not UTF-8');
  const scanner = new Scanner(text);
  if (!scanner.sees('{')) throw new LineFault('not a JSON object');
  const path: (string | number)[] = [];
  return located(path, () => {
    const item = members(scanner, path, 0);
    if (!scanner.atEnd()) throw scanner.fault('text after the item');
    return item;
  });
}

/** Reads any JSON text as a value. Throws LineFault. */
export function parsePlainValue(text: string): AttributeValue {
  const scanner = new Scanner(text);
  const path: (string | number)[] = [];
  return located(path, () => {
    const parsed = value(scanner, path, 0);
    if (!scanner.atEnd()) throw scanner.fault('text after the value');
    return parsed;
  });
}

function located<T>(path: (string | number)[], read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof LineFault) || path.length === 0) throw thrown;
    throw new LineFault(`attribute ${pathText(path).slice(0, MAX_SHOWN)}: ${thrown.message}`);
  }
}

function members(scanner: Scanner, path: (string | number)[], level: number): Map<string, AttributeValue> {
  const found = new Map<string, AttributeValue>();
  scanner.expect('{');
  if (scanner.take('}')) return found;
  do {
    const name = scanner.string();
    path.push(name);
    if (found.has(name)) throw new LineFault('stands twice');
    scanner.expect(':');
    found.set(name, value(scanner, path, level));
    path.pop();
  } while (scanner.take(','));
  scanner.expect('}');
  return found;
}

function value(scanner: Scanner, path: (string | number)[], level: number): AttributeValue {
  if (scanner.sees('"')) return { tag: 'S', value: scanner.string() };
  if (scanner.sees('{')) return { tag: 'M', value: members(scanner, path, deeper(level)) };
  if (scanner.take('[')) return { tag: 'L', value: elements(scanner, path, deeper(level)) };
  if (scanner.takeWord('true')) return { tag: 'BOOL', value: true };
  if (scanner.takeWord('false')) return { tag: 'BOOL', value: false };
  if (scanner.takeWord('null')) return { tag: 'NULL', value: true };
  const number = canonicalNumber(scanner.number());
  if (number === undefined) throw new LineFault('not a number that DynamoDB can hold');
  return { tag: 'N', value: number };
}

function elements(scanner: Scanner, path: (string | number)[], level: number): AttributeValue[] {
  const found: AttributeValue[] = [];
  if (scanner.take(']')) return found;
  do {
    path.push(found.length);
    found.push(value(scanner, path, level));
    path.pop();
  } while (scanner.take(','));
  scanner.expect(']');
  return found;
}

function deeper(level: number): number {
  if (level + 1 > MAX_LEVELS) throw new LineFault(`nested deeper than ${MAX_LEVELS} levels`);
  return level + 1;
}
