import { canonicalNumber } from '../../model/number.ts';
import { filterError, type Token, tokensOf } from './tokens.ts';
import type { CompareOp, Filter, Literal } from './tree.ts';

const OPS: Readonly<Record<string, CompareOp | '<>'>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
/** Parentheses and `not` within each other; more is a mistake of whatever wrote the filter. */
const MAX_DEPTH = 64;
/** Longest text: it is kept in the table's properties, of which catalogs take 4,000 characters or less. */
const MAX_TEXT = 3_000;
/** Steps into a value: DynamoDB's own limit of nesting. */
const MAX_STEPS = 33;

/** Reads a condition such as `color <> 'undefined' and quantity is not null`. */
export function parseFilter(text: string): Filter {
  if (text.length > MAX_TEXT)
    throw filterError(text, MAX_TEXT, `it has ${text.length} characters`, { expected: `at most ${MAX_TEXT}` });
  return new Parser(text).whole();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  whole(): Filter {
    const filter = this.#or();
    const rest = this.#peek();
    if (rest !== undefined) throw this.#expected('“and”, “or” or the end', rest);
    return filter;
  }

  #or(): Filter {
    return this.#joined('or', () => this.#joined('and', () => this.#not()));
  }

  #joined(word: 'and' | 'or', one: () => Filter): Filter {
    const parts = [one()];
    while (this.#word(word)) parts.push(one());
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    // `a and (b and c)` is `a and b and c`.
    return { kind: word, parts: parts.flatMap((part) => (part.kind === word ? part.parts : [part])) };
  }

  #not(): Filter {
    if (!this.#word('not')) return this.#primary();
    return this.#deeper(() => negated(this.#not()));
  }

  #primary(): Filter {
    if (!this.#symbol('(')) return this.#predicate();
    return this.#deeper(() => {
      const inner = this.#or();
      this.#require(')');
      return inner;
    });
  }

  #deeper(work: () => Filter): Filter {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw this.#error(`it is nested more than ${MAX_DEPTH} deep`, this.#peek()?.at ?? this.#text.length);
    const result = work();
    this.#depth -= 1;
    return result;
  }

  #predicate(): Filter {
    const [first, second] = [this.#tokens[this.#next], this.#tokens[this.#next + 1]];
    if (first?.kind === 'name' && second?.kind === 'symbol' && second.text === '(') return this.#call(first);
    const path = this.#path();
    const token = this.#peek();
    const op = token?.kind === 'symbol' ? OPS[token.text] : undefined;
    if (op !== undefined) {
      this.#next += 1;
      return compared(path, op, this.#literal(op));
    }
    if (this.#word('is')) {
      const not = this.#word('not');
      const what = this.#word('null') ? 'null' : this.#word('missing') ? 'missing' : undefined;
      if (what === undefined) throw this.#expected('“null” or “missing”', this.#peek());
      const is: Filter = { kind: 'is', path, what };
      return not ? negated(is) : is;
    }
    const not = this.#word('not');
    const test = this.#test(path);
    return not ? negated(test) : test;
  }

  /** What may stand behind `not`. */
  #test(path: readonly (string | number)[]): Filter {
    if (this.#word('in')) {
      this.#require('(');
      const values = [this.#literal()];
      while (this.#symbol(',')) values.push(this.#literal());
      this.#require(')');
      return { kind: 'in', path, values };
    }
    if (this.#word('between')) {
      const low = this.#literal('>=');
      if (!this.#word('and')) throw this.#expected('“and” and the upper bound', this.#peek());
      return { kind: 'and', parts: [compared(path, '>=', low), compared(path, '<=', this.#literal('<='))] };
    }
    if (this.#word('like')) return { kind: 'like', path, pattern: this.#pattern() };
    throw this.#expected('a comparison, “is”, “in”, “between” or “like”', this.#peek());
  }

  #call({ text, at }: Token): Filter {
    const name = text.toLowerCase();
    if (name !== 'begins_with' && name !== 'contains')
      throw this.#error(`there is no function “${text}”`, at, { expected: 'begins_with or contains' });
    this.#next += 2;
    const path = this.#path();
    this.#require(',');
    const filter: Filter =
      name === 'contains'
        ? { kind: 'contains', path, value: this.#literal() }
        : { kind: 'begins_with', path, prefix: this.#string('a text in single quotes') };
    this.#require(')');
    return filter;
  }

  #path(): (string | number)[] {
    const path: (string | number)[] = [this.#name()];
    for (;;) {
      const token = this.#peek();
      if (token?.kind === 'index') {
        this.#next += 1;
        path.push(Number(token.text));
      } else if (this.#symbol('.')) path.push(this.#name());
      else return path;
      if (path.length > MAX_STEPS) throw this.#error(`a path has more than ${MAX_STEPS} steps`, token?.at ?? 0);
    }
  }

  #name(): string {
    const token = this.#peek();
    if (token?.kind !== 'name') throw this.#expected('an attribute', token);
    this.#next += 1;
    return token.text;
  }

  /** `op`: what it is compared by, where that forbids some values. */
  #literal(op: CompareOp | '<>' = '='): Literal {
    const token = this.#peek();
    if (token?.kind === 'word' && token.text === 'null')
      throw this.#error('nothing is equal to null', token.at, { hint: 'Write “is null” or “is not null”.' });
    if (token?.kind === 'word' && (token.text === 'true' || token.text === 'false')) {
      if (op !== '=' && op !== '<>')
        throw this.#error('true and false have no order', token.at, { expected: '= or <>', found: op });
      this.#next += 1;
      return { kind: 'boolean', value: token.text === 'true' };
    }
    if (token?.kind === 'number') {
      this.#next += 1;
      return this.#number(token);
    }
    return { kind: 'string', text: this.#string('a text in single quotes, a number, true or false') };
  }

  #number({ text, at }: Token): Literal {
    const canonical = canonicalNumber(text);
    if (canonical !== undefined) return { kind: 'number', text: canonical };
    throw this.#error(`DynamoDB has no number ${text}`, at, { expected: 'at most 38 digits, 1E-130 to 9.99E+125' });
  }

  #string(what: string): string {
    const token = this.#peek();
    if (token?.kind !== 'string') throw this.#expected(what, token);
    this.#next += 1;
    return token.text;
  }

  #pattern(): string {
    const at = this.#peek()?.at ?? this.#text.length;
    const pattern = this.#string('a pattern in single quotes');
    if (/^(?:[^\\]|\\[\s\S])*$/u.test(pattern)) return pattern;
    throw this.#error('the pattern ends with a backslash', at, { hint: 'Write \\\\ for a backslash itself.' });
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #word(word: string): boolean {
    return this.#take('word', word);
  }

  #symbol(symbol: string): boolean {
    return this.#take('symbol', symbol);
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token?.kind !== kind || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #require(symbol: string): void {
    if (!this.#symbol(symbol)) throw this.#expected(`“${symbol}”`, this.#peek());
  }

  #expected(what: string, token: Token | undefined): Error {
    const found = token === undefined ? 'the end' : token.text;
    return this.#error(`${what} is missing`, token?.at ?? this.#text.length, { expected: what, found });
  }

  #error(message: string, at: number, details: { expected?: string; found?: string; hint?: string } = {}): Error {
    return filterError(this.#text, at, message, details);
  }
}

function compared(path: readonly (string | number)[], op: CompareOp | '<>', value: Literal): Filter {
  if (op === '<>') return negated({ kind: 'compare', path, op: '=', value });
  return { kind: 'compare', path, op, value };
}

/** Unknown stays unknown, so that two negations are none. */
function negated(inner: Filter): Filter {
  return inner.kind === 'not' ? inner.inner : { kind: 'not', inner };
}
