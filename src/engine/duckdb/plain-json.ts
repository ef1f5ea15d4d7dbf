import { TailraceError } from '../../model/errors.ts';

/**
 * DynamoDB JSON ↔ plain JSON, as text to text: no object is built, so numbers keep all digits and any name is safe.
 * Both take compact, valid JSON, which the engine wrote.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/gsu;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Plain JSON to DynamoDB JSON: texts become S, numbers N with the same digits, arrays L, objects M. */
export function plainToDdb(plain: string): string {
  const inObject: boolean[] = [];
  let expectKey = false;
  return plain.replace(TOKEN, (token) => {
    const first = token[0];
    if (first === '{' || first === '[') {
      inObject.push(first === '{');
      expectKey = first === '{';
      return first === '{' ? '{"M":{' : '{"L":[';
    }
    if (first === '}' || first === ']') {
      inObject.pop();
      expectKey = false;
      return first === '}' ? '}}' : ']}';
    }
    if (first === ',') expectKey = inObject.at(-1) === true;
    if (first === ',' || first === ':') return token;
    if (first === '"' && expectKey) {
      expectKey = false;
      return token;
    }
    return scalarToDdb(token);
  });
}

function scalarToDdb(token: string): string {
  if (token.startsWith('"')) return `{"S":${token}}`;
  if (token === 'true' || token === 'false') return `{"BOOL":${token}}`;
  return token === 'null' ? '{"NULL":true}' : `{"N":"${token}"}`;
}

/** A value in DynamoDB JSON, `{"M":{…}}`, as plain JSON: sets become arrays, binary stays base64. */
export function ddbToPlain(typed: string): string {
  return value(new Tokens(typed));
}

class Tokens {
  readonly #all: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#all = text.match(TOKEN) ?? [];
  }

  next(): string {
    const token = this.#all[this.#at++];
    if (token === undefined) throw unsound('the end of the text');
    return token;
  }

  peek(): string | undefined {
    return this.#all[this.#at];
  }

  expect(wanted: string): void {
    const token = this.next();
    if (token !== wanted) throw unsound(token);
  }
}

function unsound(found: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'The table holds text that is not DynamoDB JSON.', {
    found: found.slice(0, 80),
    hint: 'Run tailrace inspect on the table: it may have been changed by another writer.',
  });
}

/** `{"name":{"TAG":…},…}` as a plain object. */
function members(tokens: Tokens): string {
  return sequence(tokens, '{', '}', () => {
    const name = tokens.next();
    tokens.expect(':');
    return `${name}:${value(tokens)}`;
  });
}

function value(tokens: Tokens): string {
  tokens.expect('{');
  const tag = tokens.next();
  tokens.expect(':');
  const plain = payload(tokens, tag);
  tokens.expect('}');
  return plain;
}

function payload(tokens: Tokens, tag: string): string {
  switch (tag) {
    case '"M"':
      return members(tokens);
    case '"L"':
      return sequence(tokens, '[', ']', () => value(tokens));
    case '"SS"':
    case '"BS"':
      return sequence(tokens, '[', ']', () => tokens.next());
    case '"NS"':
      return sequence(tokens, '[', ']', () => bareNumber(tokens.next()));
    case '"N"':
      return bareNumber(tokens.next());
    case '"NULL"':
      tokens.next();
      return 'null';
    case '"S"':
    case '"B"':
    case '"BOOL"':
      return tokens.next();
    default:
      throw unsound(tag);
  }
}

function sequence(tokens: Tokens, open: string, close: string, part: () => string): string {
  tokens.expect(open);
  const parts: string[] = [];
  while (tokens.peek() !== close) {
    if (parts.length > 0) tokens.expect(',');
    parts.push(part());
  }
  tokens.expect(close);
  return `${open}${parts.join(',')}${close}`;
}

/** A number's text without its quotes; what JSON could not take as a number keeps them. */
function bareNumber(token: string): string {
  const text = token.slice(1, -1);
  return JSON_NUMBER.test(text) ? text : token;
}
