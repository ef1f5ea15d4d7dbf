import { CANONICAL_NUMBER, matches } from './leaf.ts';
import { str } from './quote.ts';

/** Digits before the point that a number is padded to, far more than DynamoDB has. */
const PAD = 400;

/**
 * How DynamoDB's numbers compare, from their plain decimal texts: by value, with all digits. Doubles decide where they
 * differ, because rounding never turns two numbers around; where they are equal, the digits do.
 */
export const NUMBER_ORDER = {
  less: (n: string, constant: string): string => ordered(n, constant, '<'),
  greater: (n: string, constant: string): string => ordered(n, constant, '>'),
  equal: (n: string, constant: string): string => `(${n} = ${str(constant)})`,
} as const;

/** The text of a number, with one spelling for zero; `bad` is raised where it is not spelled as DynamoDB does. */
export function soundNumber(n: string, bad: string): string {
  return `CASE WHEN ${matches(n, CANONICAL_NUMBER)} THEN CASE WHEN ${n} = '-0' THEN '0' ELSE ${n} END WHEN ${n} IS NOT NULL THEN ${bad} END`;
}

function ordered(n: string, constant: string, op: '<' | '>'): string {
  const [d, c] = [`${n}::DOUBLE`, `${str(constant)}::DOUBLE`];
  return `CASE WHEN ${d} = ${c} THEN ${exact(n, constant, op)} ELSE ${d} ${op} ${c} END`;
}

function exact(n: string, constant: string, op: '<' | '>'): string {
  const isNegative = `starts_with(${n}, '-')`;
  if (constant.startsWith('-')) {
    const digits = `${sortKey(`substring(${n}, 2)`)} ${op === '<' ? '>' : '<'} ${str(constantKey(constant.slice(1)))}`;
    return op === '<' ? `(${isNegative} AND ${digits})` : `(NOT ${isNegative} OR ${digits})`;
  }
  const digits = `${sortKey(n)} ${op} ${str(constantKey(constant))}`;
  return op === '<' ? `(${isNegative} OR ${digits})` : `(NOT ${isNegative} AND ${digits})`;
}

/** Orders like the numbers, of those without a sign. */
function sortKey(n: string): string {
  return `lpad(split_part(${n}, '.', 1), ${PAD}, '0') || '.' || split_part(${n}, '.', 2)`;
}

function constantKey(constant: string): string {
  const [whole = '', fraction = ''] = constant.split('.');
  return `${whole.padStart(PAD, '0')}.${fraction}`;
}
