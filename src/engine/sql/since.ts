import { EPOCHS, inUnit, isoOf, type Since } from '../../schema/filter/since.ts';
import { epochRange } from '../../schema/times.ts';
import type { FilterScope } from './filter.ts';
import { NUMBER_ORDER, soundNumber } from './number-order.ts';
import { type Place, placeOf, scalarOf, unknown } from './place.ts';
import { str } from './quote.ts';
import { badLine } from './text.ts';

/** A date, the year or the day first, with or without a time of day, and that with or without a zone. */
const DATE = '([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2}-[0-9]{4})';
const TIME = `${DATE}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)? ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)?)?`;
const DIGITS = '[0-9]{9,16}([.][0-9]+)?';

/** Whether an item is to be kept. Never NULL. */
export function sinceSql(since: Since, scope: FilterScope): string {
  const place = placeOf(scope.reading, scope.column, [since.attr]);
  const kept = place.kind === 'absent' ? unknown(place.column) : decisionSql(since, place, badLine(scope.file));
  return `coalesce(${kept}, ${since.untimed === 'keep'})`;
}

/** Whether the value at a place is no time that `sinceSql` could go by. Never NULL. */
export function isUntimed(since: Since, place: Place): string {
  return `((${decisionSql(since, place, `error('a number in odd spelling')::VARCHAR`)}) IS NULL)`;
}

/** True or false by the time; NULL where there is none. */
function decisionSql(since: Since, place: Place, bad: string): string {
  const [n, s] = [scalarOf(place, 'N'), scalarOf(place, 'S')];
  const number = `list_extract(list_transform([${soundNumber(n, bad)}], lambda n: ${epochSql(since, 'n')}), 1)`;
  return `CASE WHEN ${n} IS NOT NULL THEN ${number} WHEN ${s} IS NOT NULL THEN ${textSql(since, s)} END`;
}

/** A number is a time of the unit in which it lies between the years that times are looked for in, or of the one given. */
function epochSql({ micros, unit }: Since, n: string): string {
  const { less } = NUMBER_ORDER;
  const reached = (size: number): string => `NOT ${less(n, inUnit(micros, size))}`;
  const given = EPOCHS.find(({ format }) => format === unit);
  if (given !== undefined) return `CASE WHEN ${n} IS NOT NULL THEN ${reached(given.micros)} END`;
  const cases = EPOCHS.map(({ format, micros: size }) => {
    const [from, below] = (epochRange(format) ?? [0, 0]).map(String) as [string, string];
    return `WHEN NOT ${less(n, from)} AND ${less(n, below)} THEN ${reached(size)}`;
  });
  return `CASE ${cases.join(' ')} END`;
}

/**
 * ISO times, UTC without a zone; the day first, too; digits as the numbers that they are. Each is spelled as the engine
 * reads it: the year first, seconds, no more than six digits behind them, the zone at once and with a colon.
 */
function textSql(since: Since, s: string): string {
  const start = `${str(isoOf(since.micros))}::TIMESTAMPTZ`;
  const spelled = SPELLINGS.reduce(
    (text, [pattern, by]) => `regexp_replace(${text}, ${str(pattern)}, ${str(by)})`,
    `replace(replace(${s}, ',', '.'), 'z', 'Z')`,
  );
  const matches = (pattern: string): string => `regexp_full_match(${s}, ${str(pattern)})`;
  const digits = `list_extract(list_transform([ltrim(${s}, '0')], lambda n: ${epochSql(since, 'n')}), 1)`;
  return `CASE WHEN ${matches(TIME)} THEN try_cast(${spelled} AS TIMESTAMPTZ) >= ${start} WHEN ${matches(DIGITS)} THEN ${digits} END`;
}

const SPELLINGS = [
  ['^([0-9]{2})-([0-9]{2})-([0-9]{4})', '\\3-\\2-\\1'],
  ['^(.{10}[T ][0-9]{2}:[0-9]{2})( ?[Z+-]|$)', '\\1:00\\2'],
  ['(\\.[0-9]{6})[0-9]+', '\\1'],
  [' (Z|[+-])', '\\1'],
  ['([+-][0-9]{2})([0-9]{2})$', '\\1:\\2'],
] as const;
