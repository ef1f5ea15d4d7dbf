import { canonicalNumber } from '../../model/number.ts';
import { MAX_NESTING } from '../lines/parse.ts';

/**
 * Ion text straight into DynamoDB JSON text, without values in between, for the spelling that exports have: no spaces,
 * names as symbols, plain escapes, canonical base64. Whatever is spelled otherwise, or might be wrong, is left to the
 * Ion reader, so that there is one judge of what an item is; where both have an answer it is the same (held by a test).
 */

const PREFIX = '$ion_1_0 ';
const BEGIN = '{Item:{';
const NAME = /[A-Za-z_][A-Za-z0-9_$]*/y;
/** Words that are values, and so no names. */
const WORDS: ReadonlySet<string> = new Set(['null', 'true', 'false', 'nan']);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.([0-9]*))?([dD][+-]?[0-9]{1,4})?/y;
/** Digits that fit any number of DynamoDB, so that only needless zeros have to go. */
const FEW_DIGITS = 38;
const BLOB = /(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?\}\}/y;
const LONGEST_BLOB_CHARS = 600_000;
/** Escapes, and control characters, which JSON would have to escape. */
const ODD = /[\\\u0000-\u001f]/;
/** Escapes that mean the same in Ion and in JSON, in the spelling that JSON.stringify has for them. */
const SAME_ESCAPES = '"\\nrtbf';

const LEFT_TO_READER = Symbol('left to the reader');

/** The item of one line as a line of DynamoDB JSON without its end; undefined where the Ion reader has to look. */
export function transcodeItem(line: string): string | undefined {
  try {
    return new Transcoder(line).line();
  } catch (thrown) {
    if (thrown === LEFT_TO_READER) return undefined;
    throw thrown;
  }
}

class Transcoder {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  line(): string {
    if (this.#text.startsWith(PREFIX)) this.#at = PREFIX.length;
    this.#expect(BEGIN);
    const members = this.#members(0);
    this.#expect('}');
    if (this.#at !== this.#text.length) throw LEFT_TO_READER;
    return `{"Item":${members}}`;
  }

  #expect(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) throw LEFT_TO_READER;
    this.#at += text.length;
  }

  /** True where the next character is this one, which is then passed. */
  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  /** From behind the opening bracket to behind the closing one. */
  #members(level: number): string {
    if (this.#take(0x7d)) return '{}';
    const seen = new Set<string>();
    let out = '{';
    for (;;) {
      const name = this.#name();
      if (seen.has(name)) throw LEFT_TO_READER;
      seen.add(name);
      this.#expect(':');
      out += `"${name}":${this.#value(level)}`;
      if (this.#take(0x7d)) return `${out}}`;
      this.#expect(',');
      out += ',';
    }
  }

  /** A name as it stands between quotes in JSON. Names with a dollar may be symbols of Ion's own. */
  #name(): string {
    if (this.#take(0x27)) {
      const end = this.#text.indexOf("'", this.#at);
      const name = this.#text.slice(this.#at, end);
      if (end <= this.#at || name.startsWith('$') || name.includes('"') || ODD.test(name)) throw LEFT_TO_READER;
      this.#at = end + 1;
      return name;
    }
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    if (name === undefined || WORDS.has(name)) throw LEFT_TO_READER;
    this.#at = NAME.lastIndex;
    return name;
  }

  #value(level: number): string {
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x22:
        return `{"S":${this.#string()}}`;
      case 0x7b:
        if (this.#text.charCodeAt(this.#at + 1) === 0x7b) return `{"B":${this.#blob()}}`;
        this.#at += 1;
        return `{"M":${this.#members(deeper(level))}}`;
      case 0x5b:
        return `{"L":${this.#list(() => this.#value(deeper(level)))}}`;
      case 0x24:
        return this.#set();
      case 0x6e:
        return this.#word('null', '{"NULL":true}');
      case 0x74:
        return this.#word('true', '{"BOOL":true}');
      case 0x66:
        return this.#word('false', '{"BOOL":false}');
      default:
        return `{"N":${this.#number()}}`;
    }
  }

  #list(element: () => string): string {
    this.#expect('[');
    if (this.#take(0x5d)) return '[]';
    let out = '[';
    for (;;) {
      out += element();
      if (this.#take(0x5d)) return `${out}]`;
      this.#expect(',');
      out += ',';
    }
  }

  #set(): string {
    const tag = this.#text.substr(this.#at + '$dynamodb_'.length, 2);
    this.#expect(`$dynamodb_${tag}::`);
    const elements =
      tag === 'SS'
        ? this.#list(() => this.#string())
        : tag === 'NS'
          ? this.#list(() => this.#number())
          : tag === 'BS'
            ? this.#list(() => this.#blob())
            : '[]';
    // An empty set is refused, in the reader's words.
    if (elements === '[]') throw LEFT_TO_READER;
    return `{"${tag}":${elements}}`;
  }

  #word(word: string, json: string): string {
    this.#expect(word);
    this.#expectEnd();
    return json;
  }

  /** A value ends at a comma or a closing bracket: `null.string`, `5e0` and `2020-01-01T` are other values. */
  #expectEnd(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code !== 0x2c && code !== 0x7d && code !== 0x5d) throw LEFT_TO_READER;
  }

  #string(): string {
    const begin = this.#at;
    this.#expect('"');
    let end = this.#text.indexOf('"', this.#at);
    if (end < 0) throw LEFT_TO_READER;
    if (ODD.test(this.#text.slice(this.#at, end))) end = this.#escapedEnd();
    this.#at = end + 1;
    return this.#text.slice(begin, end + 1);
  }

  /** The closing quote of a string whose escapes JSON has, too. */
  #escapedEnd(): number {
    for (let i = this.#at; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === 0x22) return i;
      if (code < 0x20) throw LEFT_TO_READER;
      if (code === 0x5c && !SAME_ESCAPES.includes(this.#text.charAt(++i) || ' ')) throw LEFT_TO_READER;
    }
    throw LEFT_TO_READER;
  }

  #number(): string {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw LEFT_TO_READER;
    this.#at = NUMBER.lastIndex;
    this.#expectEnd();
    const [text, fraction = '', exponent] = match;
    const isPlain =
      exponent === undefined && text.length <= FEW_DIGITS && !text.startsWith('-0') && !fraction.endsWith('0');
    if (isPlain) return `"${fraction === '' && text.endsWith('.') ? text.slice(0, -1) : text}"`;
    const number = canonicalNumber(text.replace(/d/i, 'e'));
    if (number === undefined) throw LEFT_TO_READER;
    return `"${number}"`;
  }

  #blob(): string {
    this.#expect('{{');
    BLOB.lastIndex = this.#at;
    const match = this.#text.indexOf('}}', this.#at) - this.#at > LONGEST_BLOB_CHARS ? null : BLOB.exec(this.#text);
    if (match === null) throw LEFT_TO_READER;
    this.#at = BLOB.lastIndex;
    return `"${match[0].slice(0, -2)}"`;
  }
}

function deeper(level: number): number {
  if (level >= MAX_NESTING) throw LEFT_TO_READER;
  return level + 1;
}
