import type { NumbersMode } from '../model/options.ts';
import type { ColumnType } from '../model/schema.ts';

/** What is known of all numbers at one position, from their canonical plain texts. */
export interface NumberFacts {
  /** Most digits before the point (0 counts as none). */
  readonly intDigits: number;
  /** Most digits behind the point. */
  readonly scale: number;
  /** All are whole and within 64 bits. */
  readonly long: boolean;
}

const LONG_MAX = 9223372036854775807n;
const LONG_MIN = -9223372036854775808n;
/** Iceberg's, Delta's and Parquet's widest decimal. */
export const DECIMAL_MAX_PRECISION = 38;
/** DuckDB keeps decimals of up to 18 digits in a 64-bit integer, four times as fast as wider ones. */
const FAST_PRECISION = 18;
/** Scales of decimal columns are multiples of this. */
const SCALE_STEP = 4;

/** Facts of one number in canonical plain decimal text (DynamoDB normalises to it). */
export function numberFacts(text: string): NumberFacts {
  const digits = text.startsWith('-') ? text.slice(1) : text;
  const point = digits.indexOf('.');
  const whole = point < 0 ? digits : digits.slice(0, point);
  const intDigits = whole === '0' ? 0 : whole.length;
  const scale = point < 0 ? 0 : digits.length - point - 1;
  return { intDigits, scale, long: scale === 0 && (intDigits < 19 || (intDigits === 19 && fitsLong(text))) };
}

function fitsLong(text: string): boolean {
  const value = BigInt(text);
  return value >= LONG_MIN && value <= LONG_MAX;
}

export function mergeNumbers(a: NumberFacts | undefined, b: NumberFacts): NumberFacts {
  if (a === undefined) return b;
  return {
    intDigits: Math.max(a.intDigits, b.intDigits),
    scale: Math.max(a.scale, b.scale),
    long: a.long && b.long,
  };
}

/**
 * The column type for such numbers: long, else decimal, else text. A number that fits the column never changes it, so
 * that a load which learns only from what did not fit comes to the type of all the data, whatever it saw first. That
 * forbids to add room to what was seen; scales in steps leave some.
 */
export function numberType(facts: NumberFacts | undefined, mode: NumbersMode): ColumnType {
  if (mode === 'double') return { kind: 'double' };
  if (mode === 'string') return { kind: 'number-text' };
  if (facts === undefined || facts.long) return { kind: 'long' };
  const { intDigits } = facts;
  const scale = Math.max(SCALE_STEP, Math.ceil(facts.scale / SCALE_STEP) * SCALE_STEP);
  if (intDigits + scale <= FAST_PRECISION) return decimal(FAST_PRECISION, scale);
  if (intDigits + scale <= DECIMAL_MAX_PRECISION) return decimal(DECIMAL_MAX_PRECISION, scale);
  if (intDigits + facts.scale <= DECIMAL_MAX_PRECISION) return decimal(DECIMAL_MAX_PRECISION, facts.scale);
  return { kind: 'number-text' };
}

/**
 * A recorded decimal with room for these facts as well, where more digits before the point are all that it needs: formats
 * take that as the same column, so that no file is written anew. Undefined where it takes another column.
 */
export function grownDecimal(recorded: ColumnType | undefined, facts: NumberFacts | undefined): ColumnType | undefined {
  if (recorded?.kind !== 'decimal' || facts === undefined || facts.scale > recorded.scale) return undefined;
  const digits = Math.max(facts.intDigits + recorded.scale, recorded.precision);
  if (digits <= recorded.precision || digits > DECIMAL_MAX_PRECISION) return undefined;
  return decimal(digits <= FAST_PRECISION ? FAST_PRECISION : DECIMAL_MAX_PRECISION, recorded.scale);
}

function decimal(precision: number, scale: number): ColumnType {
  return { kind: 'decimal', precision, scale };
}

/** Why that type was chosen, for `schema show`. */
export function numberReason(facts: NumberFacts | undefined, mode: NumbersMode): string {
  if (mode !== 'exact') return `numbers as ${mode}, as asked`;
  if (facts === undefined || facts.long) return 'all numbers are whole and fit 64 bits';
  const seen = `up to ${facts.intDigits} digits before the point and ${facts.scale} behind it`;
  return numberType(facts, mode).kind === 'decimal'
    ? seen
    : `${seen}: wider than any decimal column, kept as exact text`;
}

/** Facts of all that a column of this type may hold. */
export function capacity(type: ColumnType): NumberFacts | undefined {
  if (type.kind === 'long') return { intDigits: 19, scale: 0, long: true };
  if (type.kind !== 'decimal') return undefined;
  return { intDigits: type.precision - type.scale, scale: type.scale, long: false };
}
