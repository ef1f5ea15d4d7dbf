import { EPOCHS, inUnit, isoOf, type Since } from '../../schema/filter/since.ts';
import { epochRange } from '../../schema/times.ts';
import type { FilterScope } from './filter.ts';
import { NUMBER_ORDER, soundNumber } from './number-order.ts';
import { type Place, placeOf, scalarOf, unknown } from './place.ts';
import { str } from './quote.ts';
import { badLine } from './text.ts';

const DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const ISO = `${DATE}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)? ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)?)?`;
const DAY_FIRST = '[0-9]{2}-[0-9]{2}-[0-9]{4}';
const DIGITS = '[0-9]{9,16}';

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

/** ISO times, UTC without a zone; dates, the day first, too; digits as the numbers that they are. */
function textSql(since: Since, s: string): string {
  const start = `${str(isoOf(since.micros))}::TIMESTAMPTZ`;
  const cut = `regexp_replace(replace(${s}, ',', '.'), '(\\.[0-9]{6})[0-9]+', '\\1')`;
  const zone = `regexp_replace(${cut}, '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2')`;
  const matches = (pattern: string): string => `regexp_full_match(${s}, ${str(pattern)})`;
  const digits = `list_extract(list_transform([ltrim(${s}, '0')], lambda n: ${epochSql(since, 'n')}), 1)`;
  return `CASE WHEN ${matches(DATE)} THEN try_cast(${s} AS TIMESTAMPTZ) >= ${start} WHEN ${matches(ISO)} THEN try_cast(${zone} AS TIMESTAMPTZ) >= ${start} WHEN ${matches(DAY_FIRST)} THEN try_strptime(${s}, '%d-%m-%Y')::TIMESTAMPTZ >= ${start} WHEN ${matches(DIGITS)} THEN ${digits} END`;
}
