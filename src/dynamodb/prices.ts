import { readFile } from 'node:fs/promises';
import { TailraceError } from '../model/errors.ts';
import own from './prices.json' with { type: 'json' };

/** What on-demand requests cost, as the price list of a date has it. */
export interface Prices {
  /** Of the price list: YYYY-MM-DD. */
  readonly date: string;
  readonly currency: string;
  /** Where the numbers are from. */
  readonly sources?: readonly string[];
  /** By region; a million request units of a table of class Standard. */
  readonly regions: Readonly<Record<string, RegionPrices>>;
}

export interface RegionPrices {
  readonly readMillion?: number;
  readonly writeMillion?: number;
}

/** Our own price list, or that of a file. CONFIG where the file is none. */
export async function readPrices(path: string | undefined): Promise<Prices> {
  if (path === undefined) return own;
  try {
    return sound(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new TailraceError('CONFIG', 'The price file cannot be read.', {
      place: path,
      expected:
        '{"date": "2026-01-31", "currency": "USD", "regions": {"eu-west-1": {"readMillion": 0.14, "writeMillion": 0.7}}}',
      cause,
      hint: 'Write the prices of your regions for a million on-demand read and write request units, and their date.',
    });
  }
}

function sound(value: unknown): Prices {
  const { date, currency, regions } = value as Partial<Prices>;
  const isPrice = (price: unknown): boolean => price === undefined || (typeof price === 'number' && price >= 0);
  const isSound =
    typeof date === 'string' &&
    /^\d{4}-\d\d-\d\d$/.test(date) &&
    typeof currency === 'string' &&
    Object.values(regions ?? {}).every(
      ({ readMillion, writeMillion }) => isPrice(readMillion) && isPrice(writeMillion),
    );
  if (!isSound || regions === undefined) throw new Error('a date, a currency or the regions are missing, or no prices');
  return { date, currency, regions };
}

/** What units cost, or why that is not known. */
export interface UnitCost {
  /** Absent where there is no price for it. */
  readonly price?: number;
  readonly currency?: string;
  /** What the price is of, or why there is none. */
  readonly why: string;
}

/** What is charged: the table's way of billing and its region. */
export interface BilledTable {
  /** Undefined: not known yet; `region` is what the calls go to. */
  readonly arn: string | undefined;
  readonly region?: string;
  readonly billing: 'provisioned' | 'on-demand';
}

const ARN_REGION = 3;

/** The price of so many read or write units. */
export function unitCost(table: BilledTable, kind: 'read' | 'write', units: number, prices: Prices): UnitCost {
  if (table.billing === 'provisioned')
    return { why: 'provisioned units are paid by the hour, whether they are used or not' };
  const region = table.arn?.split(':')[ARN_REGION] ?? table.region ?? 'an unknown region';
  const known = Object.hasOwn(prices.regions, region) ? prices.regions[region] : undefined;
  const price = kind === 'read' ? known?.readMillion : known?.writeMillion;
  if (price === undefined)
    return {
      why: `price unknown: the list of ${prices.date} has none for ${kind} units in ${region}; --prices names another`,
    };
  return {
    price: (units * price) / 1e6,
    currency: prices.currency,
    why: `on demand in ${region}: ${price} ${prices.currency} a million ${kind} units, as of ${prices.date}`,
  };
}

/** What a scan will take, by what DynamoDB says of the table's size. */
export interface ScanCost extends UnitCost {
  /** Read units; DynamoDB's sizes are up to six hours old. */
  readonly readUnits: number;
  /** At the pace; absent without one. */
  readonly seconds?: number;
}

/** A read unit is 4 KiB read consistently, or 8 KiB otherwise; a page's items count together. */
const UNIT_BYTES = 4_096;

export interface ScanPace {
  readonly consistent: boolean;
  readonly unitsPerSecond: number;
  /** Each takes the least that a call takes, even where nothing is in it. */
  readonly segments?: number;
  /** Those that were taken, where that is known. */
  readonly units?: number;
}

/** Units, time and price of reading a table once. */
export function scanCost(table: BilledTable & { readonly bytes: number }, options: ScanPace, prices: Prices): ScanCost {
  const { segments = 1, consistent } = options;
  const whole = Math.max(table.bytes / UNIT_BYTES, segments) / (consistent ? 1 : 2);
  const readUnits = options.units ?? Math.ceil(whole);
  const pace = Number.isFinite(options.unitsPerSecond)
    ? { seconds: Math.ceil(readUnits / options.unitsPerSecond) }
    : {};
  return { readUnits, ...pace, ...unitCost(table, 'read', readUnits, prices) };
}
