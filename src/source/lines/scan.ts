/** Why a line was refused. Never holds a value of the item, only names and positions. */
export class LineFault extends Error {}

const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\r\n]*/y;
const SURROGATE = /\p{Surrogate}/u;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Values that nobody looks into may nest so deep. */
const MAX_SKIPPED_LEVELS = 500;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Walks over the tokens of one line of JSON, so that the parser sees what JSON.parse hides, such as duplicate keys. */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** True, and past it, if the next token is this character. */
  take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  expect(char: string): void {
    if (!this.take(char)) throw this.fault(`expected ${char}`);
  }

  /** True, and past it, if the next token is this word: true, false, null. */
  takeWord(word: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  /** True if the next token begins with this character; stays before it. */
  sees(char: string): boolean {
    this.#skipSpace();
    return this.#text[this.#at] === char;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  /** The next token, a string, decoded. */
  string(): string {
    this.expect('"');
    const start = this.#at;
    this.#skipPlain();
    if (this.#text[this.#at] === '"') return this.#text.slice(start, this.#at++);
    const parts = [this.#text.slice(start, this.#at)];
    while (this.#text[this.#at] !== '"') {
      parts.push(this.#escape());
      const plain = this.#at;
      this.#skipPlain();
      parts.push(this.#text.slice(plain, this.#at));
    }
    this.#at += 1;
    const value = parts.join('');
    if (SURROGATE.test(value)) throw this.fault('lone surrogate in a string');
    return value;
  }

  /** The next token, a number, as its text. */
  number(): string {
    this.#skipSpace();
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) throw this.fault('expected a value');
    this.#at += text.length;
    return text;
  }

  /** Past one value, whatever it is, as long as it is JSON. */
  skip(level = 0): void {
    if (level > MAX_SKIPPED_LEVELS) throw new LineFault(`nested deeper than ${MAX_SKIPPED_LEVELS} levels`);
    if (this.sees('"')) this.string();
    else if (this.take('{')) {
      if (this.take('}')) return;
      do {
        this.string();
        this.expect(':');
        this.skip(level + 1);
      } while (this.take(','));
      this.expect('}');
    } else if (this.take('[')) {
      if (this.take(']')) return;
      do this.skip(level + 1);
      while (this.take(','));
      this.expect(']');
    } else if (!this.takeWord('true') && !this.takeWord('false') && !this.takeWord('null')) this.number();
  }

  fault(what: string): LineFault {
    const end = this.#at >= this.#text.length ? ' at the end of the line' : ` at character ${this.#at + 1}`;
    return new LineFault(`${what}${end}`);
  }

  #escape(): string {
    if (this.#at >= this.#text.length) throw this.fault('string is not closed');
    if (this.#text[this.#at] !== '\\') throw this.fault('control character in a string');
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.fault('broken \\u escape');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const plain = ESCAPES[letter];
    if (plain === undefined) throw this.fault('unknown escape in a string');
    this.#at += 2;
    return plain;
  }

  #skipPlain(): void {
    PLAIN.lastIndex = this.#at;
    PLAIN.test(this.#text);
    this.#at = PLAIN.lastIndex;
  }

  #skipSpace(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code > 0x20) return;
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }
}
