import type { Filter, Literal } from '../../schema/filter/tree.ts';
import type { ReadItem } from '../../schema/reading.ts';
import { NUMBER_ORDER, soundNumber } from './number-order.ts';
import { elementsOf, isMissing, isNullish, type Place, placeOf, scalarOf, unknown } from './place.ts';
import { str } from './quote.ts';
import { badLine } from './text.ts';

/** Where a condition finds the item, and the file that a line is of. */
export interface FilterScope {
  readonly reading: ReadItem;
  /** Column with the item as it was read. */
  readonly column: string;
  /** Column with the name of the line's file. */
  readonly file: string;
}

/** A condition as an SQL expression: true, false, or NULL where it is unknown. A number that no DynamoDB writes raises. */
export function filterSql(filter: Filter, scope: FilterScope): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.parts.map((part) => filterSql(part, scope)).join(` ${filter.kind.toUpperCase()} `)})`;
    case 'not':
      return `(NOT ${filterSql(filter.inner, scope)})`;
    case 'is': {
      const place = placeOf(scope.reading, scope.column, filter.path);
      return filter.what === 'missing' ? isMissing(place) : isNullish(place);
    }
    default:
      return known(filter, placeOf(scope.reading, scope.column, filter.path), scope.file);
  }
}

type Test = Exclude<Filter, { readonly kind: 'and' | 'or' | 'not' | 'is' }>;

/** A test of a value: unknown of what is missing or NULL, false of a value of another type. */
function known(test: Test, place: Place, file: string): string {
  if (place.kind === 'absent') return unknown(place.column);
  return `CASE WHEN ${isNullish(place)} THEN NULL ELSE coalesce(${testSql(test, place, file)}, false) END`;
}

function testSql(test: Test, place: Place, file: string): string {
  switch (test.kind) {
    case 'compare':
      return compareSql(test.op, test.value, place, file);
    case 'in':
      return `(${test.values.map((value) => `coalesce(${compareSql('=', value, place, file)}, false)`).join(' OR ')})`;
    case 'like':
      return `(${scalarOf(place, 'S')} LIKE ${str(test.pattern)} ESCAPE '\\')`;
    case 'begins_with':
      return `starts_with(${scalarOf(place, 'S')}, ${str(test.prefix)})`;
    case 'contains':
      return containsSql(test.value, place);
  }
}

function compareSql(
  op: Extract<Filter, { kind: 'compare' }>['op'],
  value: Literal,
  place: Place,
  file: string,
): string {
  switch (value.kind) {
    case 'string':
      return `(${scalarOf(place, 'S')} ${op} ${str(value.text)})`;
    case 'boolean':
      return `(${scalarOf(place, 'BOOL')} = ${value.value})`;
    case 'number':
      return numberSql(op, value.text, scalarOf(place, 'N'), file);
  }
}

/** The number is computed once: its text stands in the comparison several times. */
function numberSql(op: string, constant: string, n: string, file: string): string {
  const { less, greater, equal } = NUMBER_ORDER;
  const [name, negated] = (
    { '=': [equal], '<': [less], '>': [greater], '>=': [less, true], '<=': [greater, true] } as const
  )[op as '='] as readonly [(n: string, constant: string) => string, true?];
  const test = `(${negated === true ? 'NOT ' : ''}${name('n', constant)})`;
  return `list_extract(list_transform([${soundNumber(n, badLine(file))}], lambda n: CASE WHEN n IS NOT NULL THEN ${test} END), 1)`;
}

function containsSql(value: Literal, place: Place): string {
  const has = (elements: string, text: string): string => `coalesce(list_contains(${elements}, ${str(text)}), false)`;
  switch (value.kind) {
    case 'string': {
      const text = `coalesce(contains(${scalarOf(place, 'S')}, ${str(value.text)}), false)`;
      return `(${text} OR ${has(elementsOf(place, 'SS'), value.text)} OR ${has(elementsOf(place, 'S'), value.text)})`;
    }
    case 'number':
      return `(${has(elementsOf(place, 'NS'), value.text)} OR ${has(elementsOf(place, 'N'), value.text)})`;
    case 'boolean':
      return has(elementsOf(place, 'BOOL'), String(value.value));
  }
}
