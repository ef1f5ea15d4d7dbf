import type {
  ColumnType,
  DerivedColumn,
  Field,
  OriginTag,
  TableSchema,
  TimestampFormat,
} from '../../src/model/schema.ts';
import type { DdbItem, DdbValue } from '../data/ion.ts';
import { type Canon, plainNumber } from './canonical.ts';

/**
 * What a row must hold, worked out from the item and the schema alone, by the rules of docs/concepts and with none of
 * the loader's code: it would repeat the loader's mistakes.
 */
export interface ExpectedRow {
  /** By column name. */
  readonly columns: ReadonlyMap<string, Fit>;
  /** Attributes whose columns cannot give them back: they must stand in `_rescued`. */
  readonly mustRescue: ReadonlySet<string>;
  /** Attributes that may stand there as well: readers that rebuild the item get the same either way. */
  readonly mayRescue: ReadonlySet<string>;
}

/** `full`: the column gives the value back. `part`: it holds what fits. `open`: either is right. */
export interface Fit {
  readonly value: Canon;
  readonly exact: 'full' | 'part' | 'open';
}

const NOTHING: Fit = { value: null, exact: 'part' };
const ABSENT: Fit = { value: null, exact: 'full' };

export function expectedRow(schema: TableSchema, item: DdbItem, exclude: readonly string[] = []): ExpectedRow {
  const columns = new Map<string, Fit>();
  const best = new Map<string, Fit['exact']>();
  for (const column of schema.columns) {
    const value = member(item, column.attr);
    const fit = value === undefined ? ABSENT : fitOf(value, column.tag, column.type);
    columns.set(column.name, fit);
    if (value !== undefined) best.set(column.attr, better(best.get(column.attr), fit.exact));
  }
  for (const derived of schema.derived) columns.set(derived.name, derivedFit(schema, derived, item));
  const named = Object.keys(item).filter((attr) => !exclude.includes(attr));
  return {
    columns,
    mustRescue: new Set(named.filter((attr) => (best.get(attr) ?? 'part') === 'part')),
    mayRescue: new Set(named.filter((attr) => best.get(attr) === 'open')),
  };
}

function better(a: Fit['exact'] | undefined, b: Fit['exact']): Fit['exact'] {
  if (a === 'full' || b === 'full') return 'full';
  return a === 'open' || b === 'open' ? 'open' : 'part';
}

function member(item: DdbItem, name: string): DdbValue | undefined {
  return Object.hasOwn(item, name) ? (Reflect.get(item, name) as DdbValue) : undefined;
}

function fitOf(value: DdbValue, tag: OriginTag, type: ColumnType): Fit {
  const [[found, inner] = ['', undefined]] = Object.entries(value) as [string, unknown][];
  if (type.kind === 'ddb-json') return { value: `$ddb${JSON.stringify(value)}`, exact: 'open' };
  if (type.kind === 'json') {
    if (tag !== '*' && tag !== found) return NOTHING;
    return { value: `$json${JSON.stringify(value)}`, exact: losesTypes(value) ? 'part' : 'open' };
  }
  // A position that was only NULL has no values: NULL itself is rescued.
  if (found !== tag || found === 'NULL') return NOTHING;
  if (type.kind === 'list') return listFit(found, inner, type);
  if (type.kind === 'map') return mapFit(inner as DdbItem, type);
  if (type.kind === 'struct') return structFit(inner as DdbItem, type.fields);
  return leafFit(found, inner, type);
}

function leafFit(tag: string, inner: unknown, type: ColumnType): Fit {
  if (type.kind === 'boolean') return { value: inner as boolean, exact: 'full' };
  const text = inner as string;
  switch (type.kind) {
    case 'string':
      return { value: text, exact: 'full' };
    case 'binary':
      return { value: { $b: text }, exact: 'full' };
    case 'number-text':
      return { value: plainNumber(text), exact: 'full' };
    case 'double':
      return { value: { $f: String(Number(text)) }, exact: 'open' };
    case 'long':
      return isLong(plainNumber(text)) ? { value: { $n: plainNumber(text) }, exact: 'full' } : NOTHING;
    case 'decimal':
      return fitsDecimal(plainNumber(text), type.precision, type.scale)
        ? { value: { $n: plainNumber(text) }, exact: 'full' }
        : NOTHING;
    case 'timestamp': {
      const time = isoMicros(tag, text, type.format);
      return time === undefined ? NOTHING : { value: { $t: time }, exact: 'full' };
    }
    default:
      throw new Error(`no leaf of kind ${type.kind}`);
  }
}

function listFit(tag: string, inner: unknown, type: Extract<ColumnType, { kind: 'list' }>): Fit {
  const { element } = type;
  const values = tag === 'L' ? (inner as DdbValue[]) : (inner as string[]).map((text) => ({ [tag.slice(0, 1)]: text }));
  const fits = values.map((value) => fitOf(value as DdbValue, element.tag, element.type));
  return { value: fits.map(({ value }) => value), exact: all(fits) };
}

function mapFit(inner: DdbItem, type: Extract<ColumnType, { kind: 'map' }>): Fit {
  const fits = Object.entries(inner).map(
    ([key, value]) => [key, fitOf(value as DdbValue, type.value.tag, type.value.type)] as const,
  );
  return {
    value: { $m: fits.map(([key, { value }]) => [key, value] as const) },
    exact: all(fits.map(([, fit]) => fit)),
  };
}

function structFit(inner: DdbItem, fields: readonly Field[]): Fit {
  const names = Object.keys(inner);
  const unknown = names.some((name) => !fields.some(({ attr }) => attr === name));
  const fits = fields.map((field) => {
    const value = member(inner, field.attr);
    return [field.name, value === undefined ? ABSENT : fitOf(value, field.tag, field.type)] as const;
  });
  const exact = unknown ? 'part' : all(fits.map(([, fit]) => fit));
  // A struct of nulls only may be read as no struct at all, so the loader may rescue an empty map.
  return {
    value: { $s: Object.fromEntries(fits.map(([name, { value }]) => [name, value])) },
    exact: names.length === 0 ? 'open' : exact,
  };
}

function all(fits: readonly Fit[]): Fit['exact'] {
  if (fits.some(({ exact }) => exact === 'part')) return 'part';
  return fits.some(({ exact }) => exact === 'open') ? 'open' : 'full';
}

function derivedFit(schema: TableSchema, derived: DerivedColumn, item: DdbItem): Fit {
  const from = schema.columns.find(({ name }) => name === derived.from);
  const value = from === undefined ? undefined : member(item, from.attr);
  const [[tag, text] = ['', '']] = Object.entries(value ?? {}) as [string, unknown][];
  const time = typeof text === 'string' ? isoMicros(tag, text, derived.format) : undefined;
  return { value: time === undefined ? null : { $t: time }, exact: 'full' };
}

/** Plain JSON cannot tell a set from a list or bytes from text. */
function losesTypes(value: DdbValue): boolean {
  const [[tag, inner] = ['', undefined]] = Object.entries(value) as [string, unknown][];
  if (tag === 'L') return (inner as DdbValue[]).some(losesTypes);
  if (tag === 'M') return Object.values(inner as DdbItem).some((member) => losesTypes(member as DdbValue));
  return ['B', 'SS', 'NS', 'BS'].includes(tag);
}

function isLong(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

function fitsDecimal(text: string, precision: number, scale: number): boolean {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  return fraction.length <= scale && whole.replace(/^0+/, '').length <= precision - scale;
}

/** The time as ISO text with microseconds, if the attribute's text is one of this format and prints back the same. */
function isoMicros(tag: string, text: string, format: TimestampFormat): string | undefined {
  if (format.startsWith('iso')) {
    const digits = { iso: '', 'iso-ms': '\\.\\d{3}', 'iso-us': '\\.\\d{6}' }[format as 'iso' | 'iso-ms' | 'iso-us'];
    if (tag !== 'S' || !new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d${digits}Z$`).test(text))
      return undefined;
    const seconds = text.slice(0, 19);
    const parsed = new Date(`${seconds}Z`);
    if (Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 19) !== seconds) return undefined;
    return `${seconds}.${text.slice(20, -1).padEnd(6, '0')}Z`;
  }
  if (tag !== 'N' || !/^-?\d{1,17}$/.test(text)) return undefined;
  const perSecond = { 'epoch-s': 1n, 'epoch-ms': 1000n, 'epoch-us': 1_000_000n }[
    format as 'epoch-s' | 'epoch-ms' | 'epoch-us'
  ];
  const micros = (BigInt(text) * 1_000_000n) / perSecond;
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((micros - below) / 1000n));
  if (Number.isNaN(date.getTime())) return undefined;
  return `${date.toISOString().slice(0, 19)}.${below.toString().padStart(6, '0')}Z`;
}
