import { TailraceError } from '../../model/errors.ts';
import type { ColumnType, TimestampFormat } from '../../model/schema.ts';
import { str } from './quote.ts';
import { numberText } from './render-scalar.ts';

/**
 * Scalars: from the text behind a type tag to a typed value, and whether nothing was lost on the way.
 * SQL casts round and guess, so a cast counts only where a pattern, or the value printed again, says that the text is exactly such a value.
 */

/** Plain decimal text as DynamoDB normalises it. */
export const CANONICAL_NUMBER = '-?(0|[1-9][0-9]*)(\\.[0-9]*[1-9])?';
/** Strict base64 with padding; bits behind the last byte are zero, so that encoding again gives the same text. */
export const BASE64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?';

const ISO_PRINT: Partial<Record<TimestampFormat, string>> = {
  iso: '%Y-%m-%dT%H:%M:%SZ',
  'iso-ms': '%Y-%m-%dT%H:%M:%S.%gZ',
  'iso-us': '%Y-%m-%dT%H:%M:%S.%fZ',
};
/** Digits that stay clear of 64-bit overflow, and the factor to microseconds. */
const EPOCH: Partial<Record<TimestampFormat, { readonly digits: number; readonly micros: number }>> = {
  'epoch-s': { digits: 11, micros: 1_000_000 },
  'epoch-ms': { digits: 14, micros: 1_000 },
  'epoch-us': { digits: 17, micros: 1 },
};

export function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, ${str(pattern)})`;
}

/** The typed value, believed blindly: right wherever `leafFits` is true, anything elsewhere. */
export function leafFast(text: string, type: ColumnType): string {
  switch (type.kind) {
    case 'long':
      return `try_cast(${text} AS BIGINT)`;
    case 'decimal':
      return `try_cast(${text} AS DECIMAL(${type.precision},${type.scale}))`;
    case 'double':
      return `try_cast(${text} AS DOUBLE)`;
    case 'binary':
      return `CASE WHEN ${matches(text, BASE64)} THEN from_base64(${text}) END`;
    case 'timestamp':
      return timeFast(text, type.format);
    case 'string':
    case 'number-text':
    case 'boolean':
      return text;
    default:
      throw new TailraceError('INTERNAL', `A ${type.kind} column is not a scalar.`);
  }
}

/** The typed value where the text is exactly it, else NULL. */
export function leafGuarded(text: string, type: ColumnType): string {
  if (type.kind === 'string' || type.kind === 'boolean' || type.kind === 'binary') return leafFast(text, type);
  return `CASE WHEN ${leafFits(text, type)} THEN ${leafFast(text, type)} END`;
}

/** True when the text (not NULL) is exactly the typed value. */
export function leafFits(text: string, type: ColumnType): string {
  switch (type.kind) {
    case 'long':
      // Printing again costs less than a pattern, and takes the cast that the value needs anyway.
      return `coalesce(${leafFast(text, type)}::VARCHAR = ${text}, false)`;
    case 'decimal':
      // Counted digits need no cast: inside a list it would be a second one.
      return matches(text, decimalPattern(type.precision - type.scale, type.scale));
    case 'double':
      return type.exact === true
        ? `coalesce(${numberText(`(${leafFast(text, type)})`, type)} = ${text}, false)`
        : matches(text, CANONICAL_NUMBER);
    case 'number-text':
      return matches(text, CANONICAL_NUMBER);
    case 'binary':
      return matches(text, BASE64);
    case 'timestamp':
      return timeFits(text, type.format);
    case 'string':
    case 'boolean':
      return 'true';
    default:
      throw new TailraceError('INTERNAL', `A ${type.kind} column is not a scalar.`);
  }
}

/** Plain decimal text of at most so many digits before and behind the point. */
function decimalPattern(integerDigits: number, scale: number): string {
  const integer = integerDigits > 0 ? `(0|[1-9][0-9]{0,${integerDigits - 1}})` : '0';
  return `-?${integer}${scale > 0 ? `(\\.[0-9]{1,${scale}})?` : ''}`;
}

function timeFast(text: string, format: TimestampFormat): string {
  const epoch = EPOCH[format];
  if (epoch === undefined) return `try_cast(${text} AS TIMESTAMPTZ)`;
  const inRange = matches(text, `-?(0|[1-9][0-9]{0,${epoch.digits - 1}})`);
  return `CASE WHEN ${inRange} THEN make_timestamp(CAST(${text} AS BIGINT) * ${epoch.micros})::TIMESTAMPTZ END`;
}

function timeFits(text: string, format: TimestampFormat): string {
  const print = ISO_PRINT[format];
  if (print === undefined) return `(${timeFast(text, format)} IS NOT NULL)`;
  return `coalesce(strftime(${timeFast(text, format)}, ${str(print)}) = ${text}, false)`;
}
