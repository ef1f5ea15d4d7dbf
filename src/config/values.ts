import { homedir } from 'node:os';
import { withHome } from '../model/home.ts';
import { DEFINITION_FORM, isDefinition } from './catalogs/flag.ts';
import { closest } from './closest.ts';
import { DURATION_FORMS, parseDuration } from './durations.ts';
import type { OptionKind, OptionSpec } from './option-spec.ts';
import { LIMIT_FORMS, parseLimit, parseRate, RATE_FORMS } from './rates.ts';
import { formatSize, parseSize, SIZE_FORMS } from './sizes.ts';
import { parseMoment, TIME_FORMS } from './times.ts';

/** A value that an option can take, or what should have stood there. */
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly expected: string; readonly hint?: string };

type Parser = (raw: unknown, spec: OptionSpec) => Parsed;

const PARSERS: Readonly<Record<OptionKind, Parser>> = {
  text: nonEmpty('text'),
  texts: parseTexts,
  path: parsePath,
  names: parseNames,
  clauses: parseClauses,
  size: parseSizeValue,
  count: (raw, spec) =>
    bounded(typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw, spec, 'a whole number'),
  duration: parseOneDuration,
  time: parseOneTime,
  rate: parseOneRate,
  limit: parseOneLimit,
  switch: parseSwitch,
  choice: parseChoice,
  definitions: parseDefinitions,
};

/** Reads an option's value from a flag's text, a variable's text or a YAML value. */
export function parseValue(spec: OptionSpec, raw: unknown): Parsed {
  if (raw === false && spec.none === true) return { ok: true, value: spec.kind === 'names' ? [] : '' };
  return PARSERS[spec.kind](raw, spec);
}

/** How an option's value looks in an error message; long ones are cut. */
export function showValue(raw: unknown): string {
  const text = typeof raw === 'string' ? `'${raw}'` : (JSON.stringify(raw) ?? String(raw));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** A list of texts; a text alone is a list of one. */
function parseTexts(raw: unknown): Parsed {
  const texts: unknown[] = Array.isArray(raw) ? raw : [raw];
  const isSound = texts.every((text) => typeof text === 'string' && text.trim() !== '');
  return isSound ? { ok: true, value: texts } : { ok: false, expected: 'text' };
}

function nonEmpty(expected: string): Parser {
  return (raw) => (typeof raw === 'string' && raw.trim() !== '' ? { ok: true, value: raw } : { ok: false, expected });
}

/** `512M` means millions of bytes to some and 2^20 to others. */
function parseSizeValue(raw: unknown, spec: OptionSpec): Parsed {
  const parsed = bounded(typeof raw === 'string' ? parseSize(raw) : raw, spec, SIZE_FORMS);
  const short = typeof raw === 'string' ? /^\s*([\d.]+)\s*([KMGT])\s*$/i.exec(raw) : null;
  if (parsed.ok || short === null) return parsed;
  const [, digits = '', unit = ''] = short;
  const upper = unit.toUpperCase();
  return { ...parsed, hint: `Write ${digits}${upper}B (decimal) or ${digits}${upper}iB (binary).` };
}

/** `~` is the home folder here, too: a shell does not see it in `--rejects=~/x`, and never in a file. */
function parsePath(raw: unknown): Parsed {
  const expected = 'a path';
  if (typeof raw !== 'string' || raw.trim() === '') return { ok: false, expected };
  if (/^~[^/]/.test(raw))
    return { ok: false, expected, hint: `Write the path out, or ./${raw} for a folder of that name.` };
  return { ok: true, value: withHome(raw, homedir()) };
}

function bounded(value: unknown, spec: OptionSpec, expected: string): Parsed {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return { ok: false, expected };
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = spec;
  if (value >= min && value <= max) return { ok: true, value };
  const text = (bound: number): string => (spec.kind === 'size' ? formatSize(bound) : String(bound));
  const bounds = spec.max === undefined ? `of at least ${text(min)}` : `from ${text(min)} to ${text(max)}`;
  return { ok: false, expected: `${spec.kind === 'size' ? 'a size' : 'a whole number'} ${bounds}` };
}

function parseOneDuration(raw: unknown): Parsed {
  const value = typeof raw === 'string' ? parseDuration(raw) : undefined;
  return value === undefined ? { ok: false, expected: DURATION_FORMS } : { ok: true, value };
}

function parseOneTime(raw: unknown): Parsed {
  return typeof raw === 'string' && parseMoment(raw) !== undefined
    ? { ok: true, value: raw.trim() }
    : { ok: false, expected: TIME_FORMS };
}

function parseOneRate(raw: unknown): Parsed {
  const value = parseRate(raw);
  return value === undefined ? { ok: false, expected: RATE_FORMS } : { ok: true, value };
}

function parseOneLimit(raw: unknown): Parsed {
  const value = parseLimit(raw);
  return value === undefined ? { ok: false, expected: LIMIT_FORMS } : { ok: true, value };
}

function parseSwitch(raw: unknown): Parsed {
  if (typeof raw === 'boolean') return { ok: true, value: raw };
  if (raw === 'true' || raw === '1') return { ok: true, value: true };
  if (raw === 'false' || raw === '0') return { ok: true, value: false };
  return { ok: false, expected: 'true or false' };
}

function parseChoice(raw: unknown, spec: OptionSpec): Parsed {
  const choices = spec.choices ?? [];
  // `timestamps: false` can only mean off.
  const text = raw === false && choices.includes('off') ? 'off' : raw;
  if (typeof text === 'string' && choices.includes(text)) return { ok: true, value: text };
  const meant = typeof text === 'string' ? closest(text, choices) : undefined;
  const expected = choices.length === 1 ? `${choices[0]}` : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return { ok: false, expected, ...(meant === undefined ? {} : { hint: `Did you mean ${meant}?` }) };
}

/** Of a variable, definitions have spaces between them. */
function parseDefinitions(raw: unknown): Parsed {
  const texts: readonly unknown[] = Array.isArray(raw)
    ? raw
    : typeof raw === 'string'
      ? raw.trim().split(/\s+/)
      : [raw];
  return texts.every((text) => typeof text === 'string' && isDefinition(text))
    ? { ok: true, value: texts }
    : { ok: false, expected: DEFINITION_FORM };
}

/** Names come as a list, as repeated flags, or as text with commas; `\,` is a comma within a name. */
function parseNames(raw: unknown): Parsed {
  if (Array.isArray(raw) && raw.some((name) => typeof name !== 'string')) {
    return { ok: false, expected: 'a list of attribute names', hint: 'Put names that look like numbers in quotes.' };
  }
  const names = Array.isArray(raw) ? raw.map(String) : typeof raw === 'string' ? splitNames(raw) : undefined;
  if (names === undefined || names.some((name) => name === '')) {
    return { ok: false, expected: 'attribute names, separated by commas' };
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? { ok: true, value: names }
    : { ok: false, expected: 'each name once', hint: `Remove one '${twice}'.` };
}

/** `a, b\,c` → ['a', 'b,c']. */
export function splitNames(text: string): string[] {
  const names = [''];
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    const next = text.charAt(index + 1);
    if (character === ',') {
      names.push('');
      continue;
    }
    const escaped = character === '\\' && (next === ',' || next === '\\');
    names.push((names.pop() ?? '') + (escaped ? next : character));
    if (escaped) index += 1;
  }
  return names.map((name) => name.trim());
}

/** Partition and sort specs: text, or a list of texts; their grammar belongs to the schema. */
function parseClauses(raw: unknown): Parsed {
  const texts = Array.isArray(raw) ? raw : [raw];
  if (texts.some((text) => typeof text !== 'string' || text.trim() === '')) {
    return { ok: false, expected: 'text such as "day(created_at), bucket(16, pk)", or a list of such texts' };
  }
  return { ok: true, value: texts.join(', ') };
}
