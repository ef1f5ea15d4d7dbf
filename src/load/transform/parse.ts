/** The words of --transform: `rename(Id, id), cast(price, number), default(color, 'undefined'), now(created_at)`. */

import { TailraceError } from '../../model/errors.ts';
import type { AttributeValue } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';
import { parsePath } from '../input/path.ts';

export const CAST_TYPES = ['string', 'number', 'boolean', 'binary', 'set', 'json'] as const;
export type CastType = (typeof CAST_TYPES)[number];

export const NOW_FORMATS = ['iso', 'iso-ms', 'epoch-s', 'epoch-ms', 'epoch-us'] as const;
export type NowFormat = (typeof NOW_FORMATS)[number];

/** Names from the item to a value, through maps. */
export type Path = readonly string[];

export type Transform = { readonly text: string } & (
  | { readonly kind: 'rename'; readonly from: Path; readonly to: Path }
  | { readonly kind: 'cast'; readonly path: Path; readonly to: CastType }
  | { readonly kind: 'default'; readonly path: Path; readonly value: AttributeValue | { readonly now: NowFormat } }
  | { readonly kind: 'now'; readonly path: Path; readonly format: NowFormat }
  | { readonly kind: 'drop'; readonly path: Path }
);

const CALL = /\s*([a-z]+)\s*\(((?:[^()'"]|'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")*)\)\s*(?:,|$)/y;
const ARGUMENT = /\s*((?:[^,'"\s]|'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|\s+(?=[^,\s]))+)\s*(?:,|$)/y;
const USES: Readonly<Record<Transform['kind'], string>> = {
  rename: 'rename(from, to)',
  cast: `cast(name, type) with a type of ${CAST_TYPES.join(', ')}`,
  default: "default(name, 'text'), default(name, 0), default(name, true), default(name, null) or default(name, now)",
  now: `now(name) or now(name, format) with a format of ${NOW_FORMATS.join(', ')}`,
  drop: 'drop(name)',
};

/** Reads --transform. The transforms apply in this order. */
export function parseTransforms(text: string): readonly Transform[] {
  const found: Transform[] = [];
  let at = 0;
  while (at < text.length && text.slice(at).trim() !== '') {
    CALL.lastIndex = at;
    const match = CALL.exec(text);
    if (match === null) throw bad(text.slice(at).trim(), `one of ${Object.values(USES).join('; ')}`);
    const [all, name = '', inner = ''] = match;
    found.push(transform(name, argumentsOf(inner), all.trim().replace(/,$/, '')));
    at += all.length;
  }
  return found;
}

function argumentsOf(inner: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < inner.length) {
    ARGUMENT.lastIndex = at;
    const match = ARGUMENT.exec(inner);
    if (match === null) return [...found, ''];
    found.push((match[1] ?? '').trim());
    at += match[0].length;
  }
  return found;
}

function transform(name: string, words: readonly string[], text: string): Transform {
  const [first = '', second] = words;
  const fits = (count: number): boolean => words.length === count && words.every((word) => word !== '');
  switch (name) {
    case 'rename':
      if (!fits(2)) break;
      return { kind: 'rename', text, from: pathOf(first, text), to: pathOf(second ?? '', text) };
    case 'cast': {
      const to = CAST_TYPES.find((type) => type === second);
      if (!fits(2) || to === undefined) break;
      return { kind: 'cast', text, path: pathOf(first, text), to };
    }
    case 'default': {
      const value = fits(2) ? literal(second ?? '') : undefined;
      if (value === undefined) break;
      return { kind: 'default', text, path: pathOf(first, text), value };
    }
    case 'now': {
      const format = second === undefined ? 'iso-ms' : NOW_FORMATS.find((known) => known === second);
      if (!fits(second === undefined ? 1 : 2) || format === undefined) break;
      return { kind: 'now', text, path: pathOf(first, text), format };
    }
    case 'drop':
      if (!fits(1)) break;
      return { kind: 'drop', text, path: pathOf(first, text) };
    default:
      throw bad(text, `one of ${Object.values(USES).join('; ')}`);
  }
  throw bad(text, USES[name]);
}

/** Undefined: it is none. */
function literal(word: string): AttributeValue | { readonly now: NowFormat } | undefined {
  if (/^'(?:[^']|'')*'$/.test(word)) return { tag: 'S', value: word.slice(1, -1).replaceAll("''", "'") };
  if (word === 'true' || word === 'false') return { tag: 'BOOL', value: word === 'true' };
  if (word === 'null') return { tag: 'NULL', value: true };
  if (word === 'now') return { now: 'iso-ms' };
  const number = canonicalNumber(word);
  return number === undefined ? undefined : { tag: 'N', value: number };
}

function pathOf(word: string, text: string): Path {
  const path = parsePath(word, '--transform');
  const names = path.filter((step) => typeof step === 'string');
  if (names.length !== path.length) throw bad(text, 'names, with dots between those of nested maps; lists have none');
  return names;
}

function bad(found: string, expected: string): TailraceError {
  return new TailraceError('USAGE', `--transform cannot be ${found.slice(0, 80)}.`, {
    place: '--transform',
    found,
    expected,
  });
}
