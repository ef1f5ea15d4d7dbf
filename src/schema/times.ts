import type { TimestampFormat } from '../model/schema.ts';

/** Epochs from the first of these years until the second are taken for times; smaller and larger numbers are more likely
 * counts or ids. */
export const EPOCH_YEARS = [2000, 2100] as const;
const [EPOCH_FROM_S, EPOCH_TO_S] = EPOCH_YEARS.map((year) => Date.UTC(year, 0, 1) / 1000) as [number, number];

const EPOCH_UNITS: Partial<Record<TimestampFormat, number>> = { 'epoch-s': 1, 'epoch-ms': 1e3, 'epoch-us': 1e6 };

const LETTER_T = 0x54;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{6}))?Z$/;

/** The format in which this text is a time that prints back identically, or undefined. */
export function timeFormatOf(tag: 'S' | 'N', text: string): TimestampFormat | undefined {
  return tag === 'S' ? isoFormat(text) : epochFormat(text);
}

function isoFormat(text: string): TimestampFormat | undefined {
  if (text.length < 20 || text.length > 27 || text.charCodeAt(10) !== LETTER_T) return undefined;
  const parts = ISO.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  // Not Date: texts are looked at by the ten thousand while the load waits.
  if (year === 0 || hour > 23 || minute > 59 || second > 59 || day < 1 || day > daysIn(year, month)) return undefined;
  const fraction = parts[7];
  if (fraction === undefined) return 'iso';
  return fraction.length === 3 ? 'iso-ms' : 'iso-us';
}

type Six = [number, number, number, number, number, number];

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** 0 where there is no such month. */
function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}

function epochFormat(text: string): TimestampFormat | undefined {
  if (!/^\d{9,16}$/.test(text)) return undefined;
  const value = Number(text);
  if (value >= EPOCH_FROM_S && value < EPOCH_TO_S) return 'epoch-s';
  if (value >= EPOCH_FROM_S * 1e3 && value < EPOCH_TO_S * 1e3) return 'epoch-ms';
  if (value >= EPOCH_FROM_S * 1e6 && value < EPOCH_TO_S * 1e6) return 'epoch-us';
  return undefined;
}

/** The numbers that are taken for times of this format, from and below; undefined for texts. */
export function epochRange(format: TimestampFormat): readonly [from: number, below: number] | undefined {
  const unit = EPOCH_UNITS[format];
  return unit === undefined ? undefined : [EPOCH_FROM_S * unit, EPOCH_TO_S * unit];
}

/** The type tag of the attribute that such a time is written in. */
export function tagOfFormat(format: TimestampFormat): 'S' | 'N' {
  return format.startsWith('iso') ? 'S' : 'N';
}

/** Names under which a number is taken for a time without being told. */
const TIME_NAME =
  /(^|[_-])(at|ts|time|timestamp|date|datetime|created|updated|modified|expires|expiry|ttl)$|(At|Time|Date|Timestamp)$/i;

/** The one format that all values of a position have; numbers need a telling name, too. */
export function chosenTime(
  times: ReadonlyMap<TimestampFormat, number>,
  values: number,
  tag: 'S' | 'N',
  name: string,
): TimestampFormat | undefined {
  if (tag === 'N' && !TIME_NAME.test(name)) return undefined;
  for (const [format, count] of times) if (count === values && tagOfFormat(format) === tag) return format;
  return undefined;
}
