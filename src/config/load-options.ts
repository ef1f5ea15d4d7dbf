/** Options of `load` alone: its flags, the keys of `load:` in tailrace.yaml, and variables TAILRACE_LOAD_…. */
import { TailraceError } from '../model/errors.ts';
import type { LoadOptions } from '../model/load.ts';
import { type OptionSpec, variableOf } from './option-spec.ts';
import { parseValue, showValue } from './values.ts';

export const LOAD_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  format: {
    kind: 'choice',
    group: 'run',
    placeholder: 'FORMAT',
    choices: ['auto', 'json', 'jsonl', 'csv', 'ddb-json'],
    default: 'auto',
    help: 'format of the input; auto goes by its name and its beginning',
  },
  items: {
    kind: 'text',
    group: 'run',
    placeholder: 'PATH',
    default: 'the document itself',
    help: 'where the items are in a JSON document, such as data.items or lists[].rows',
  },
  delimiter: {
    kind: 'text',
    group: 'run',
    placeholder: 'CHARACTER',
    default: 'a comma; a tab for .tsv',
    help: 'what stands between the cells of CSV',
  },
  columns: {
    kind: 'names',
    group: 'run',
    placeholder: 'NAMES',
    default: 'the first line',
    help: 'names of the columns of CSV that has none in its first line',
  },
  types: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['auto', 'text'],
    default: 'auto',
    help: 'types of the columns of CSV: by what their cells hold, or all texts',
  },
  empty: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['keep', 'null', 'drop'],
    default: 'keep; drop for CSV',
    help: 'what becomes of empty texts',
  },
  nulls: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['keep', 'drop'],
    default: 'keep',
    help: 'what becomes of nulls',
  },
  sets: { kind: 'names', group: 'run', placeholder: 'NAMES', default: 'none', help: 'attributes whose lists are sets' },
  transform: {
    kind: 'clauses',
    group: 'run',
    placeholder: 'CALLS',
    default: 'none',
    help: "changes of each item, in this order: rename(a, b), cast(a, number), default(a, 'x'), now(a), drop(a)",
  },
  limit: { kind: 'count', group: 'run', placeholder: 'N', min: 1, default: 'all', help: 'most items to read' },
  wcu: {
    kind: 'rate',
    group: 'run',
    placeholder: 'RATE',
    default: '25% of what the table can take; 500 where it does not say',
    help: 'write units a second: 500, 30% (of provisioned, on-demand maximum, warm or recent use), unlimited',
  },
  createTable: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'make the table if there is none, with the key of --key, typed by the first item',
  },
  provisioned: {
    kind: 'text',
    group: 'run',
    placeholder: 'RCU,WCU',
    default: 'on demand',
    help: 'capacity of a table that --create-table makes',
  },
  restart: { kind: 'switch', group: 'run', default: 'false', help: 'begin anew where an interrupted load would go on' },
  header: {
    kind: 'texts',
    group: 'run',
    placeholder: 'LINE',
    default: 'none',
    help: "a header of each request, such as 'X-API-Key: ${API_KEY}', completed by the environment; may be repeated",
  },
  nextPath: {
    kind: 'text',
    group: 'run',
    placeholder: 'PATH',
    default: 'the Link header',
    help: "where a page has its next page's address, or with --next-param its token",
  },
  nextParam: {
    kind: 'text',
    group: 'run',
    placeholder: 'NAME',
    default: 'none',
    help: 'query parameter that takes the token of --next-path',
  },
  pageParam: {
    kind: 'text',
    group: 'run',
    placeholder: 'NAME',
    default: 'none',
    help: 'query parameter that counts pages, until one is empty',
  },
  pageStart: { kind: 'count', group: 'run', placeholder: 'N', default: '1', help: 'what --page-param counts from' },
  pageStep: {
    kind: 'count',
    group: 'run',
    placeholder: 'N',
    min: 1,
    default: '1',
    help: "what --page-param counts by: a page's size, where it is an offset",
  },
  maxPages: { kind: 'count', group: 'run', placeholder: 'N', min: 1, default: 'all', help: 'most pages to read' },
  maxPageSize: {
    kind: 'size',
    group: 'run',
    placeholder: 'SIZE',
    min: 1,
    default: '64MB',
    help: 'most bytes of one page',
  },
  httpRetries: {
    kind: 'count',
    group: 'run',
    placeholder: 'N',
    max: 1_000,
    default: '5',
    help: 'further tries of a page that fails, with growing waits',
  },
  httpTimeout: {
    kind: 'duration',
    group: 'run',
    placeholder: 'TIME',
    default: '30s',
    help: 'silence after which a try is given up',
  },
};

/** Flag and option names that are the same. */
const SAME = [
  'format',
  'items',
  'delimiter',
  'columns',
  'types',
  'empty',
  'nulls',
  'sets',
  'transform',
  'limit',
  'wcu',
  'createTable',
  'provisioned',
  'restart',
] as const;
const HTTP = [
  ['header', 'headers'],
  ['nextPath', 'nextPath'],
  ['nextParam', 'nextParam'],
  ['pageParam', 'pageParam'],
  ['pageStart', 'pageStart'],
  ['pageStep', 'pageStep'],
  ['maxPages', 'maxPages'],
  ['maxPageSize', 'maxPageBytes'],
  ['httpRetries', 'retries'],
  ['httpTimeout', 'timeoutMs'],
] as const;

/** `nextPath` → `TAILRACE_LOAD_NEXT_PATH`: `format` or `limit` alone could be meant for other verbs. */
export function loadVariableOf(key: string): string {
  return variableOf(key).replace('TAILRACE_', 'TAILRACE_LOAD_');
}

/** What the environment says. Empty variables count as unset. */
export function loadEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(LOAD_OPTIONS).flatMap(([key, spec]) => {
      const name = loadVariableOf(key);
      const raw = env[name];
      if (raw === undefined || raw === '') return [];
      const parsed = parseValue(spec, raw);
      if (parsed.ok) return [[key, parsed.value]];
      throw new TailraceError('CONFIG', `${name} cannot be ${showValue(raw)}.`, {
        expected: parsed.expected,
        found: showValue(raw),
        place: name,
        ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
      });
    }),
  );
}

/** What file, environment and flags say together, as options of the library. Their values were checked by their specs. */
export function loadOptionsOf(own: Readonly<Record<string, unknown>>): Partial<LoadOptions> {
  const given = (names: readonly (readonly [string, string])[]): Record<string, unknown> =>
    Object.fromEntries(names.flatMap(([flag, name]) => (own[flag] === undefined ? [] : [[name, own[flag]]])));
  const http = given(HTTP);
  return { ...given(SAME.map((name) => [name, name])), ...(Object.keys(http).length === 0 ? {} : { http }) };
}
