/**
 * A page of Scan as bytes: `{"Count":2,"Items":[{…},{…}],"LastEvaluatedKey":{…},…}`. Where its items begin and end is
 * found by strings and brackets alone; no item is parsed, decoded or copied here. Only what stands around the items is
 * read as JSON, and the last evaluated key is handed on as it was written.
 */
import { isUtf8 } from 'node:buffer';
import { CUT, DynamoFailure } from '../../dynamodb/errors.ts';

export interface Page {
  readonly body: Buffer;
  /** Where each item begins, and behind it where it ends: two numbers an item. */
  readonly bounds: readonly number[];
  readonly items: number;
  /** Items that DynamoDB read for it, those that a filter left out, too. */
  readonly scanned: number;
  /** Read units that it took; undefined where the service does not tell. */
  readonly units: number | undefined;
  /** JSON text of the key behind which the segment goes on; undefined: it is done. */
  readonly next: string | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
const LINE_END = 0x0a;
/** A page is a megabyte and one item at most, which even read consistently take a fifth of it: more is no measure. */
const UNITS_MAX = 2_000;

/** Takes a page apart; a body that is no page is a failure that passes. Line ends between tokens become spaces in place. */
export function readPage(body: Buffer): Page {
  const walk = new Walk(body);
  const around: Record<string, unknown> = {};
  let bounds: readonly number[] | undefined;
  let next: string | undefined;
  walk.expect(OPEN_BRACE);
  if (!walk.take(CLOSE_BRACE)) {
    do {
      const name = walk.name();
      walk.expect(COLON);
      if (name === 'Items') {
        if (bounds !== undefined) throw torn('it has Items twice');
        bounds = walk.elements();
      } else {
        const text = walk.value();
        if (name === 'LastEvaluatedKey') next = keyOf(text);
        else around[name] = json(text);
      }
    } while (walk.take(COMMA));
    walk.expect(CLOSE_BRACE);
  }
  if (!walk.ended()) throw torn('something stands behind it');
  if (bounds === undefined) throw torn('it has no Items');
  const items = bounds.length / 2;
  const { Count: count = items, ScannedCount: scanned = items, ConsumedCapacity: capacity } = around;
  if (count !== items) throw torn(`it has ${items} items and counts ${String(count)}`);
  return {
    body,
    bounds,
    items,
    scanned: typeof scanned === 'number' ? scanned : items,
    units: unitsOf(capacity),
    next,
  };
}

function unitsOf(capacity: unknown): number | undefined {
  if (typeof capacity !== 'object' || capacity === null || !('CapacityUnits' in capacity)) return undefined;
  const { CapacityUnits: units } = capacity;
  return typeof units === 'number' && units >= 0 && units <= UNITS_MAX ? units : undefined;
}

/** A key without attributes would begin the segment again, for ever. */
function keyOf(text: string): string | undefined {
  if (text === 'null') return undefined;
  const key = json(text);
  if (typeof key === 'object' && key !== null && Object.keys(key).length > 0) return text;
  throw torn('its LastEvaluatedKey is no key');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw torn('what stands beside its items is no JSON');
  }
}

function torn(what: string): DynamoFailure {
  return new DynamoFailure(CUT, `a page of Scan is not sound: ${what}`);
}

/** Walks over the bytes of a page. Reading behind its end gives undefined, which is no byte: every loop ends there. */
class Walk {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  take(byte: number): boolean {
    while ((this.#body[this.#at] ?? 0xff) <= SPACE) this.#at += 1;
    if (this.#body[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  expect(byte: number): void {
    if (!this.take(byte)) throw torn(`“${String.fromCharCode(byte)}” is missing at byte ${this.#at}`);
  }

  /** Whether nothing but space is left. */
  ended(): boolean {
    while ((this.#body[this.#at] ?? 0xff) <= SPACE) this.#at += 1;
    return this.#at >= this.#body.length;
  }

  /** A member's name; those that matter here have no escapes. */
  name(): string {
    this.expect(QUOTE);
    const from = this.#at;
    this.#at = endOfString(this.#body, from);
    return this.#body.toString('utf8', from, this.#at - 1);
  }

  /** The text of one value, whatever it is. */
  value(): string {
    while ((this.#body[this.#at] ?? 0xff) <= SPACE) this.#at += 1;
    const from = this.#at;
    const first = this.#body[from];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) this.#at = endOfNested(this.#body, from);
    else if (first === QUOTE) this.#at = endOfString(this.#body, from + 1);
    else while (!isDelimiter(this.#body[this.#at])) this.#at += 1;
    const text = this.#body.subarray(from, this.#at);
    // What cannot be decoded would go back as something else: a key behind which other items lie.
    if (!isUtf8(text)) throw torn('what stands beside its items is no UTF-8');
    return text.toString('utf8');
  }

  /** Begin and end of each object in the list that is next. */
  elements(): number[] {
    const bounds: number[] = [];
    this.expect(OPEN_BRACKET);
    if (this.take(CLOSE_BRACKET)) return bounds;
    do {
      this.expect(OPEN_BRACE);
      const from = this.#at - 1;
      this.#at = endOfNested(this.#body, from);
      bounds.push(from, this.#at);
    } while (this.take(COMMA));
    this.expect(CLOSE_BRACKET);
    if (hasBareLineEnd(this.#body, bounds)) throw torn('a text in it has a bare line end');
    return bounds;
  }
}

/** Line ends between an item's tokens are spaces by now; one within a text would end the line of its item. */
function hasBareLineEnd(body: Buffer, bounds: readonly number[]): boolean {
  let at = body.indexOf(LINE_END, bounds[0]);
  for (let i = 0; i < bounds.length && at >= 0; i += 2) {
    const [begin = 0, end = 0] = [bounds[i], bounds[i + 1]];
    if (at < begin) at = body.indexOf(LINE_END, begin);
    if (at >= begin && at < end) return true;
  }
  return false;
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === undefined || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte <= SPACE;
}

/** Behind the closing quote of a string whose content begins at `at`. */
function endOfString(body: Buffer, at: number): number {
  let next = at;
  for (let byte = body[next]; byte !== QUOTE; byte = body[next]) {
    if (byte === undefined) throw torn('it ends within a string');
    next += byte === BACKSLASH ? 2 : 1;
  }
  return next + 1;
}

/**
 * Behind the object or list that begins at `at`: the loop that all of a page's bytes go through. Bytes of strings are
 * compared with two others, all else with four; a line end outside of strings would end the line of its item.
 */
function endOfNested(body: Buffer, at: number): number {
  const end = body.length;
  let depth = 0;
  for (let next = at; next < end; next += 1) {
    const byte = body[next] as number;
    if (byte === QUOTE) {
      for (next += 1; next < end; next += 1) {
        const inner = body[next] as number;
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) next += 1;
      }
    } else if (byte >= OPEN_BRACKET) {
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth === 0) return next + 1;
      }
    } else if (byte < SPACE) body[next] = SPACE;
  }
  throw torn('it ends within an item');
}
