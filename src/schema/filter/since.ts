import { TailraceError } from '../../model/errors.ts';
import { canonicalNumber } from '../../model/number.ts';
import type { TimestampFormat } from '../../model/schema.ts';
import { epochRange } from '../times.ts';

/** How an epoch number is read: each by its size, or all in one unit. */
export type EpochUnit = 'auto' | 'epoch-s' | 'epoch-ms' | 'epoch-us';

/** Only items whose attribute holds this time or a later one are kept. */
export interface Since {
  readonly attr: string;
  /** Microseconds since 1970. */
  readonly micros: bigint;
  readonly unit: EpochUnit;
  /** What becomes of items whose attribute is missing, NULL, or no time. */
  readonly untimed: 'keep' | 'drop';
}

const FORMS = '2024-01-15, 15-01-2024, 2024-01-15T10:00:00Z, 1705312800 (s, ms or µs since 1970), or last';
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
const DAY_FIRST = /^(\d\d)-(\d\d)-(\d{4})/;

/** Reads `--since`: microseconds since 1970 as text, or `last`. Times without a zone are UTC; dates begin at midnight. */
export function parseSince(text: string): string {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'last') return 'last';
  const micros = microsOf(trimmed);
  if (micros !== undefined) return String(micros);
  throw new TailraceError('USAGE', 'The time cannot be read.', {
    place: '--since',
    expected: FORMS,
    found: text,
    hint: 'Write the year first, or a date as dd-mm-yyyy.',
  });
}

function microsOf(text: string): bigint | undefined {
  const time = TIME.exec(text.replace(DAY_FIRST, '$3-$2-$1'));
  return time === null ? epochMicros(text) : isoMicros(time.slice(1));
}

function isoMicros(parts: readonly (string | undefined)[]): bigint | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(0, 6)
    .map((part) => Number(part ?? 0));
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const shown = new Date(ms);
  const isReal =
    shown.getUTCFullYear() === year &&
    shown.getUTCMonth() === month - 1 &&
    shown.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  const offset = offsetMicros(parts[7]);
  if (!isReal || offset === undefined) return undefined;
  return BigInt(ms) * 1000n + microsBehind(parts[6]) - offset;
}

/** Digits behind the point as microseconds; what is finer is cut, so that no item is left out for it. */
function microsBehind(digits: string | undefined): bigint {
  return BigInt((digits ?? '').slice(0, 6).padEnd(6, '0'));
}

function offsetMicros(zone: string | undefined): bigint | undefined {
  const parts = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '');
  if (parts === null) return 0n;
  const [hours, rest] = [Number(parts[2]), Number(parts[3] ?? 0)];
  if (hours > 23 || rest > 59) return undefined;
  const minutes = hours * 60 + rest;
  return BigInt(parts[1] === '-' ? -minutes : minutes) * 60_000_000n;
}

function epochMicros(text: string): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d{9,16})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const unit = EPOCHS.find(({ format }) => {
    const [from, below] = epochRange(format) ?? [0, 0];
    return Number(whole) >= from && Number(whole) < below;
  });
  if (unit === undefined) return undefined;
  return BigInt(whole) * BigInt(unit.micros) + (microsBehind(fraction) * BigInt(unit.micros)) / 1_000_000n;
}

/** Units of epoch numbers. The ranges of plausible times in them do not meet, so each number tells its own. */
export const EPOCHS = [
  { format: 'epoch-s', micros: 1_000_000 },
  { format: 'epoch-ms', micros: 1_000 },
  { format: 'epoch-us', micros: 1 },
] as const satisfies readonly { readonly format: TimestampFormat; readonly micros: number }[];

/** A time in a unit, exactly, as DynamoDB writes numbers. */
export function inUnit(micros: bigint, unit: number): string {
  const digits = String(unit).length - 1;
  const [sign, size] = micros < 0n ? ['-', -micros] : ['', micros];
  const text = String(size).padStart(digits + 1, '0');
  const point = text.length - digits;
  return canonicalNumber(`${sign}${text.slice(0, point)}.${text.slice(point)}`) ?? '0';
}

/** A time in µs as ISO text. */
export function isoOf(micros: bigint): string {
  const ms = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const text = new Date(Number(ms)).toISOString();
  const rest = micros - ms * 1000n;
  return rest === 0n ? text.replace('.000Z', 'Z') : `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
