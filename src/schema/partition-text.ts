import { TailraceError } from '../model/errors.ts';
import type { PartitionRequest } from '../model/options.ts';
import type { SortField, TransformName } from '../model/table.ts';

export const TRANSFORMS: readonly TransformName[] = ['identity', 'bucket', 'truncate', 'year', 'month', 'day', 'hour'];
const WIDTH_MAX = 2_147_483_647;
const FORMS =
  'name, identity(name), bucket(n, name), truncate(n, name), year(name), month(name), day(name), hour(name)';

/** Reads `day(created_at), bucket(16, pk), region`. Odd names stand in double quotes or backticks. */
export function parsePartition(text: string): PartitionRequest[] {
  const reader = new Reader('partition', text);
  return reader.list(() => partitionRequest(reader));
}

/** Reads `a desc, b nulls first`. Nulls come first when ascending and last when descending, as in Iceberg. */
export function parseSort(text: string): SortField[] {
  const reader = new Reader('sort', text);
  return reader.list(() => sortField(reader));
}

/** One field as `--partition` takes it: `day(created_at)`. */
export function printPartition({ transform, width, column }: PartitionRequest): string {
  const name = printName(column);
  if (transform === 'identity') return name;
  return width === undefined ? `${transform}(${name})` : `${transform}(${width}, ${name})`;
}

/** One field as `--sort` takes it: `created_at desc nulls last`. */
export function printSort({ column, descending, nullsFirst }: SortField): string {
  return `${printName(column)}${descending ? ' desc' : ''} nulls ${nullsFirst ? 'first' : 'last'}`;
}

function printName(name: string): string {
  return /^[^\s(),"`]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function partitionRequest(reader: Reader): PartitionRequest {
  const first = reader.name('a column or a transform');
  if (first.quoted || reader.peek()?.text !== '(') return { transform: 'identity', column: first.text };
  const transform = TRANSFORMS.find((name) => name === first.text.toLowerCase());
  if (transform === undefined) {
    throw reader.error(`“${first.text}” is not a transform`, first.at, {
      expected: `one of ${TRANSFORMS.join(', ')}`,
      hint: `Write ${FORMS}; quote a column whose name holds parentheses.`,
    });
  }
  reader.symbol('(');
  const width = transform === 'bucket' || transform === 'truncate' ? widthOf(reader, transform) : undefined;
  const column = reader.name('a column').text;
  reader.symbol(')');
  return { transform, column, ...(width === undefined ? {} : { width }) };
}

function widthOf(reader: Reader, transform: TransformName): number {
  const token = reader.name(
    `the number of ${transform === 'bucket' ? 'buckets' : 'characters, or the step of numbers'}`,
  );
  const width = /^[0-9]+$/.test(token.text) && !token.quoted ? Number(token.text) : 0;
  if (width < 1 || width > WIDTH_MAX) {
    throw reader.error(`${transform} needs a width before the column`, token.at, {
      expected: `a whole number from 1 to ${WIDTH_MAX}`,
      found: token.text,
      hint: `Write ${transform}(16, name).`,
    });
  }
  reader.symbol(',');
  return width;
}

function sortField(reader: Reader): SortField {
  const column = reader.name('a column').text;
  const descending = reader.word('desc');
  if (!descending) reader.word('asc');
  if (!reader.word('nulls')) return { column, descending, nullsFirst: !descending };
  if (reader.word('first')) return { column, descending, nullsFirst: true };
  if (reader.word('last')) return { column, descending, nullsFirst: false };
  throw reader.error('“nulls” must be followed by “first” or “last”', reader.peek()?.at ?? reader.text.length, {
    hint: 'Write name [asc|desc] [nulls first|nulls last]; quote a column that is called nulls.',
  });
}

interface Token {
  readonly text: string;
  /** Place of the first character, from 0. */
  readonly at: number;
  readonly quoted: boolean;
}

/** Names, numbers and `( ) ,` of one option's text, with their places. */
class Reader {
  readonly #option: string;
  readonly text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(option: string, text: string) {
    this.#option = option;
    this.text = text;
    this.#tokens = this.#split();
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  list<T>(one: () => T): T[] {
    const all: T[] = [];
    if (this.peek() === undefined) return all;
    all.push(one());
    while (this.peek() !== undefined) {
      this.symbol(',');
      all.push(one());
    }
    return all;
  }

  name(what: string): Token {
    const token = this.peek();
    if (token === undefined || isSymbol(token)) throw this.#expected(what, token);
    this.#next += 1;
    return token;
  }

  symbol(symbol: string): void {
    const token = this.peek();
    if (token === undefined || token.quoted || token.text !== symbol) throw this.#expected(`“${symbol}”`, token);
    this.#next += 1;
  }

  /** Takes the word if it stands next, in any case and without quotes. */
  word(word: string): boolean {
    const token = this.peek();
    if (token === undefined || token.quoted || token.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  error(
    message: string,
    at: number,
    details: { expected?: string; found?: string; hint?: string } = {},
  ): TailraceError {
    const place = `${this.#option} “${this.text}”, character ${at + 1}`;
    return new TailraceError('USAGE', `The ${this.#option} cannot be read: ${message}.`, { ...details, place });
  }

  #expected(what: string, token: Token | undefined): TailraceError {
    const hint = this.#option === 'sort' ? 'Write name [asc|desc] [nulls first|nulls last], …' : `Write ${FORMS}.`;
    const found = token === undefined ? 'the end' : token.text;
    return this.error(`${what} is missing`, token?.at ?? this.text.length, { expected: what, found, hint });
  }

  #split(): Token[] {
    const tokens: Token[] = [];
    const pattern = /\s+|([(),])|"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|([^\s(),"`]+)|(["`])/gy;
    for (let match = pattern.exec(this.text); match !== null; match = pattern.exec(this.text)) {
      const [, symbol, double, backtick, bare, open] = match;
      const at = match.index;
      if (open !== undefined) throw this.error(`the quote ${open} is not closed`, at);
      if (double !== undefined) tokens.push({ text: double.replaceAll('""', '"'), at, quoted: true });
      else if (backtick !== undefined) tokens.push({ text: backtick.replaceAll('``', '`'), at, quoted: true });
      else if (symbol ?? bare) tokens.push({ text: symbol ?? bare ?? '', at, quoted: false });
    }
    return tokens;
  }
}

function isSymbol(token: Token): boolean {
  return !token.quoted && /^[(),]$/.test(token.text);
}
