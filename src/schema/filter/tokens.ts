import { TailraceError } from '../../model/errors.ts';

/** Words of the grammar; an attribute of such a name stands in double quotes. */
export const WORDS = ['and', 'or', 'not', 'is', 'null', 'missing', 'in', 'between', 'like', 'true', 'false'] as const;

export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol' | 'index';
  /** Words in lower case; strings and quoted names without their quotes. */
  readonly text: string;
  /** Place of the first character, from 0. */
  readonly at: number;
}

/** A bare name: letters, digits and signs that nothing else begins or ends with. */
export const BARE_NAME = /^[\p{L}_#$@][\p{L}\p{N}_#$@:/-]*$/u;

const TOKEN = new RegExp(
  [
    '\\s+',
    "'(?<string>(?:[^']|'')*)'",
    '"(?<quoted>(?:[^"\\\\]|\\\\.)*)"',
    '\\[(?<index>\\d{1,9})\\]',
    '(?<number>[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?)(?![\\p{L}\\p{N}_])',
    '(?<bare>[\\p{L}_#$@][\\p{L}\\p{N}_#$@:/-]*)',
    '(?<symbol><>|!=|<=|>=|==|[=<>(),.])',
  ].join('|'),
  'uy',
);

/** Cuts the text of a filter into tokens. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) throw notRead(text, at);
    const token = tokenOf(text, groups, at);
    if (token !== undefined) tokens.push(token);
  }
  return tokens;
}

function tokenOf(text: string, groups: Readonly<Record<string, string | undefined>>, at: number): Token | undefined {
  const { string, quoted, index, number, bare, symbol } = groups;
  if (string !== undefined) return { kind: 'string', text: string.replaceAll("''", "'"), at };
  if (quoted !== undefined) return { kind: 'name', text: unquoted(text, quoted, at), at };
  if (index !== undefined) return { kind: 'index', text: index, at };
  if (number !== undefined) return { kind: 'number', text: number, at };
  if (symbol !== undefined) return { kind: 'symbol', text: symbol, at };
  if (bare === undefined) return undefined;
  const word = bare.toLowerCase();
  return isWord(word) ? { kind: 'word', text: word, at } : { kind: 'name', text: bare, at };
}

/** A quoted name is a JSON text, as reports print it. */
function unquoted(text: string, inner: string, at: number): string {
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch (cause) {
    throw filterError(text, at, 'the name in quotes is no JSON text', {
      hint: 'Within double quotes, write \\" for a quote and \\\\ for a backslash.',
      cause,
    });
  }
}

/** Whether a bare word belongs to the grammar. */
export function isWord(word: string): boolean {
  return (WORDS as readonly string[]).includes(word);
}

function notRead(text: string, at: number): TailraceError {
  const sign = text.slice(at, at + 1);
  if (sign === "'" || sign === '"') return filterError(text, at, `the quote ${sign} is not closed`);
  return filterError(text, at, `“${sign}” has no meaning here`, { hint: FORMS });
}

export const FORMS =
  "Write conditions such as color <> 'undefined' and quantity is not null; texts stand in single quotes, odd names in double quotes.";

/** An error that says where in the filter's text it is. */
export function filterError(
  text: string,
  at: number,
  message: string,
  details: { expected?: string; found?: string; hint?: string; cause?: unknown } = {},
): TailraceError {
  const shown = text.length > 200 ? `${text.slice(0, 199)}…` : text;
  const character = [...text.slice(0, at)].length + 1;
  return new TailraceError('USAGE', `The filter cannot be read: ${message}.`, {
    hint: FORMS,
    ...details,
    place: `filter “${shown}”, character ${character}`,
  });
}
