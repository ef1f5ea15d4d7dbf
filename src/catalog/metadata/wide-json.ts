/**
 * JSON with exact 64-bit integers, at nearly the speed of the engine's own: metadata names every snapshot, and is read
 * and written by each commit. Wide integers travel through JSON.parse and JSON.stringify as marked strings. Where a
 * text could be mistaken for such a mark, the slow parser does the work.
 */
import { isInteger, parse, stringify } from 'lossless-json';

const MARK = '@int64:';
/** A member's wide integer: a quote that is not escaped ends a string, and with a colon behind it that was a name. */
const WIDE_MEMBER = /(?<!\\)("\s*:\s*)(-?\d{16,})(?=\s*[,}\]])/g;
/** A name that ends in a backslash, or wide integers that are no member of an object. */
const UNUSUAL = /\\\\"|(?:^|[[,])\s*-?\d{16,}/;

/**
 * A value of its JSON. Integers that a double cannot hold become bigint, and those of `wideKeys` always do.
 * Throws SyntaxError on anything else than JSON.
 */
export function parseWide(text: string, wideKeys: ReadonlySet<string>): unknown {
  if (text.includes(MARK) || UNUSUAL.test(text)) return parseSlowly(text, wideKeys);
  return widened('', JSON.parse(text.replace(WIDE_MEMBER, `$1"${MARK}$2"`)), wideKeys);
}

/** The JSON of a value that may hold bigint. */
export function printWide(value: unknown): string {
  const count = { wide: 0 };
  const marked = JSON.stringify(markedCopy(value, count));
  let found = 0;
  const text = marked.replace(/"@int64:(-?\d+)"/g, (_, digits: string) => {
    found += 1;
    return digits;
  });
  return found === count.wide ? text : (stringify(value) ?? '');
}

/** The value with marks for bigint; parts without any are not copied. */
function markedCopy(value: unknown, count: { wide: number }): unknown {
  if (typeof value === 'bigint') {
    count.wide += 1;
    return MARK + String(value);
  }
  if (Array.isArray(value)) return value.map((part) => markedCopy(part, count));
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Readonly<Record<string, unknown>>;
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(members)) {
    const former = members[name];
    const next = typeof former === 'string' ? former : markedCopy(former, count);
    if (next === former) continue;
    copy ??= { ...members };
    copy[name] = next;
  }
  return copy ?? value;
}

function widened(key: string, value: unknown, wideKeys: ReadonlySet<string>): unknown {
  if (typeof value === 'string')
    return value.startsWith(MARK) ? integer(value.slice(MARK.length), key, wideKeys) : value;
  if (typeof value === 'number') return wideKeys.has(key) ? BigInt(value) : value;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = widened('', value[at], wideKeys);
    return value;
  }
  if (typeof value === 'object' && value !== null) {
    const members = value as Record<string, unknown>;
    for (const name of Object.keys(members)) {
      const former = members[name];
      const next = widened(name, former, wideKeys);
      if (next !== former) members[name] = next;
    }
  }
  return value;
}

function integer(digits: string, key: string, wideKeys: ReadonlySet<string>): number | bigint {
  return wideKeys.has(key) || !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits);
}

function parseSlowly(text: string, wideKeys: ReadonlySet<string>): unknown {
  const number = (digits: string): number | bigint =>
    isInteger(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits);
  const widen = (key: string, value: unknown): unknown =>
    wideKeys.has(key) && typeof value === 'number' ? BigInt(value) : value;
  return parse(text, widen, number);
}
