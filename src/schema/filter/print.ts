import { BARE_NAME, isWord } from './tokens.ts';
import type { Filter, Literal } from './tree.ts';

/** The one text of a condition, which `parseFilter` reads back: two texts that mean the same tree print alike. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return filter.parts
        .map((part) => (part.kind === 'or' ? `(${printFilter(part)})` : printFilter(part)))
        .join(' and ');
    case 'or':
      return filter.parts.map(printFilter).join(' or ');
    case 'not':
      return printNot(filter.inner);
    case 'compare':
      return `${printPath(filter.path)} ${filter.op} ${printLiteral(filter.value)}`;
    case 'in':
      return `${printPath(filter.path)} in (${filter.values.map(printLiteral).join(', ')})`;
    case 'like':
      return `${printPath(filter.path)} like ${quoted(filter.pattern)}`;
    case 'begins_with':
      return `begins_with(${printPath(filter.path)}, ${quoted(filter.prefix)})`;
    case 'contains':
      return `contains(${printPath(filter.path)}, ${printLiteral(filter.value)})`;
    case 'is':
      return `${printPath(filter.path)} is ${filter.what}`;
  }
}

function printNot(inner: Filter): string {
  switch (inner.kind) {
    case 'compare':
      return inner.op === '='
        ? `${printPath(inner.path)} <> ${printLiteral(inner.value)}`
        : `not ${printFilter(inner)}`;
    case 'in':
      return `${printPath(inner.path)} not in (${inner.values.map(printLiteral).join(', ')})`;
    case 'like':
      return `${printPath(inner.path)} not like ${quoted(inner.pattern)}`;
    case 'is':
      return `${printPath(inner.path)} is not ${inner.what}`;
    case 'and':
    case 'or':
      return `not (${printFilter(inner)})`;
    default:
      return `not ${printFilter(inner)}`;
  }
}

/** A path as a filter has it: `address.city`, `lines[0].sku`, `"odd name"`. */
function printPath(path: readonly (string | number)[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${printName(step)}`))
    .join('');
}

function printName(name: string): string {
  return BARE_NAME.test(name) && !isWord(name.toLowerCase()) ? name : JSON.stringify(name);
}

function printLiteral(literal: Literal): string {
  if (literal.kind === 'boolean') return String(literal.value);
  return literal.kind === 'number' ? literal.text : quoted(literal.text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
