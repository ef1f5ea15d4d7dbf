import type { KeyPart } from '../dynamodb/describe.ts';
import { TailraceError } from '../model/errors.ts';
import type { Item } from '../model/item.ts';
import type { HttpOptions, LoadOptions } from '../model/load.ts';
import { HTTP_DEFAULTS } from './http/pages.ts';
import { parsePath } from './input/path.ts';
import type { LoadRecord, ReadOptions } from './input/records.ts';
import { transformItem } from './transform/apply.ts';
import { fixedTypes } from './transform/origin.ts';
import { parseTransforms, type Transform } from './transform/parse.ts';
import type { CellType } from './values/cells.ts';
import { applyRules, type ValueRules } from './values/rules.ts';

/** The options of a load, checked and in the forms that its parts take. */
export interface LoadPlan {
  readonly path: readonly (string | number)[];
  readonly transforms: readonly Transform[];
  readonly http: HttpOptions;
  readonly provisioned: { readonly read: number; readonly write: number } | undefined;
  readonly limit: number;
}

/** Checks what does not need either end. */
export function planLoad(options: LoadOptions): LoadPlan {
  const { items, transform = '', provisioned, limit = Number.POSITIVE_INFINITY } = options;
  const http = { ...HTTP_DEFAULTS, ...options.http };
  if (http.nextParam !== undefined && http.nextPath === undefined)
    throw contradiction('--next-param', 'needs --next-path, which says where the token is');
  if (http.pageParam !== undefined && http.nextPath !== undefined)
    throw contradiction('--page-param', 'and --next-path are two ways to the next page: name one');
  if (http.nextPath !== undefined) parsePath(http.nextPath, '--next-path');
  return {
    path: items === undefined ? [] : parsePath(items, '--items'),
    transforms: parseTransforms(transform),
    http,
    provisioned: provisioned === undefined ? undefined : capacityOf(provisioned),
    limit,
  };
}

/**
 * How the input's items are read, once the keys of the table and its indexes are known. `decided`: types of columns by
 * an earlier page of the same input.
 */
export function readOptions(
  options: LoadOptions,
  plan: LoadPlan,
  keys: readonly KeyPart[],
  decided: ReadonlyMap<string, CellType> = new Map(),
): ReadOptions {
  return {
    format: options.format ?? 'auto',
    path: plan.path,
    delimiter: delimiterOf(options.delimiter),
    columns: options.columns?.length === 0 ? undefined : options.columns,
    types: options.types ?? 'auto',
    fixedTypes: new Map([...decided, ...fixedTypes(plan.transforms, keys)]),
  };
}

/** Makes items of records: values by rule, then the transforms. Throws LineFault for those that cannot be. */
export function preparer(
  options: LoadOptions,
  plan: LoadPlan,
  format: 'json' | 'jsonl' | 'csv' | 'ddb-json',
): (record: LoadRecord) => Item {
  const { empty = format === 'csv' ? 'drop' : 'keep', nulls = 'keep', sets = [] } = options;
  const rules: ValueRules = { empty, nulls, sets };
  const { exclude } = options.schema;
  return (record) => transformItem(without(applyRules(record.item(), rules), exclude), plan.transforms, Date.now);
}

function without(item: Item, names: readonly string[]): Item {
  return names.some((name) => item.has(name)) ? new Map([...item].filter(([name]) => !names.includes(name))) : item;
}

function delimiterOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const one = text === '\\t' || text === 'tab' ? '\t' : text;
  if (/^[\u0001-\u007f]$/.test(one) && !/["\r\n]/.test(one)) return one;
  throw new TailraceError('USAGE', `--delimiter cannot be '${text}'.`, {
    place: '--delimiter',
    expected: 'one character, such as ; or | or tab',
  });
}

function capacityOf(text: string): { readonly read: number; readonly write: number } {
  const [, read = '', write = ''] = /^\s*([1-9]\d{0,6})\s*,\s*([1-9]\d{0,6})\s*$/.exec(text) ?? [];
  if (read !== '') return { read: Number(read), write: Number(write) };
  throw new TailraceError('USAGE', `--provisioned cannot be '${text}'.`, {
    place: '--provisioned',
    expected: 'read and write units a second: 5,5',
  });
}

function contradiction(option: string, what: string): TailraceError {
  return new TailraceError('USAGE', `${option} ${what}.`, { place: option, hint: 'See `tailrace load --help`.' });
}
