import { TailraceError } from '../model/errors.ts';
import { closest } from './closest.ts';
import { LOAD_OPTIONS, loadVariableOf } from './load-options.ts';
import { flagOf, variableOf } from './option-spec.ts';
import { OPTION_ENTRIES, OPTIONS, type OptionKey, type OptionValues } from './options.ts';
import { parseValue, showValue } from './values.ts';

/** Settings from one place. A later layer wins over an earlier one. */
export interface Layer {
  readonly values: OptionValues;
  /** Where each value was written: `--sse`, `TAILRACE_SSE`, `tailrace.yaml:3 (sse)`. */
  readonly places: Readonly<Partial<Record<OptionKey, string>>>;
  /** What kind of mistake a wrong value in this layer is. */
  readonly blame: 'USAGE' | 'CONFIG';
}

/** Flags as the command parsed them: texts, true or false, and lists of repeated flags. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  return textLayer('USAGE', (key) => [flags[key], flagOf(key)]);
}

/** TAILRACE_<OPTION> of the environment. Empty variables count as unset. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  refuseMisspelt(env);
  return textLayer('CONFIG', (key) => [env[variableOf(key)] || undefined, variableOf(key)]);
}

/** One option's value, or an error that says where it was written and what it may be. */
export function checkedValue(key: OptionKey, raw: unknown, place: string, blame: Layer['blame']): unknown {
  const parsed = parseValue(OPTIONS[key], raw);
  if (parsed.ok) return parsed.value;
  throw new TailraceError(blame, `${place} cannot be ${showValue(raw)}.`, {
    expected: parsed.expected,
    found: showValue(raw),
    place,
    ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
  });
}

function textLayer(blame: Layer['blame'], read: (key: OptionKey) => readonly [raw: unknown, place: string]): Layer {
  const values: Record<string, unknown> = {};
  const places: Partial<Record<OptionKey, string>> = {};
  for (const [key, spec] of OPTION_ENTRIES) {
    const [raw, place] = read(key);
    if (raw === undefined) continue;
    // A repeated --include is one list, and each of them may hold commas.
    const text = Array.isArray(raw) && spec.kind === 'names' ? raw.join(',') : raw;
    values[key] = checkedValue(key, text, place, blame);
    places[key] = place;
  }
  return { values: values as OptionValues, places, blame };
}

/** A variable that is nearly one of ours is a slip that would otherwise pass in silence; others are not our business. */
function refuseMisspelt(env: Readonly<Record<string, string | undefined>>): void {
  const known = [
    ...OPTION_ENTRIES.map(([key]) => variableOf(key)),
    'TAILRACE_CONFIG',
    ...Object.keys(LOAD_OPTIONS).map(loadVariableOf),
  ];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TAILRACE_') || known.includes(name)) continue;
    const options = known.map((variable) => variable.slice('TAILRACE_'.length));
    const meant = closest(name.slice('TAILRACE_'.length), options);
    if (meant === undefined) continue;
    throw new TailraceError('CONFIG', `The environment variable ${name} is not known.`, {
      place: name,
      hint: `Did you mean TAILRACE_${meant}?`,
    });
  }
}
