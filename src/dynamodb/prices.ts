import { readFile } from 'node:fs/promises';
import { TailraceError } from '../model/errors.ts';
import own from './prices.json' with { type: 'json' };

/** What on-demand requests cost, as the price list of a date has it. */
export interface Prices {
  /** Of the price list: YYYY-MM-DD. */
  readonly date: string;
  readonly currency: string;
  /** By region; a million read request units. */
  readonly regions: Readonly<Record<string, { readonly readMillion: number }>>;
}

/** Our own price list, or that of a file. CONFIG where the file is none. */
export async function readPrices(path: string | undefined): Promise<Prices> {
  if (path === undefined) return own;
  try {
    return sound(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new TailraceError('CONFIG', 'The price file cannot be read.', {
      place: path,
      expected: '{"date": "2026-01-31", "currency": "USD", "regions": {"eu-west-1": {"readMillion": 0.14}}}',
      cause,
      hint: 'Write the prices of your regions for a million on-demand read request units, and their date.',
    });
  }
}

function sound(value: unknown): Prices {
  const { date, currency, regions } = value as Partial<Prices>;
  const isSound =
    typeof date === 'string' &&
    /^\d{4}-\d\d-\d\d$/.test(date) &&
    typeof currency === 'string' &&
    Object.values(regions ?? { '': { readMillion: -1 } }).every(({ readMillion }) => readMillion >= 0);
  if (!isSound || regions === undefined) throw new Error('a date, a currency or the regions are missing');
  return { date, currency, regions };
}

/** What a scan will take, by what DynamoDB says of the table's size. */
export interface ScanCost {
  /** Read units; DynamoDB's sizes are up to six hours old. */
  readonly readUnits: number;
  /** At the pace; absent without one. */
  readonly seconds?: number;
  /** Absent where there is no price for it. */
  readonly price?: number;
  readonly currency?: string;
  /** What the price is of, or why there is none. */
  readonly why: string;
}

/** A read unit is 4 KiB read consistently, or 8 KiB otherwise; a page's items count together. */
const UNIT_BYTES = 4_096;
const ARN_REGION = 3;

/** Units, time and price of reading a table once. `units`: those that were taken, where that is known. */
export function scanCost(
  table: { readonly arn: string; readonly bytes: number; readonly billing: 'provisioned' | 'on-demand' },
  options: { readonly consistent: boolean; readonly unitsPerSecond: number; readonly units?: number },
  prices: Prices,
): ScanCost {
  const bytes = Math.max(table.bytes, 1);
  const readUnits = options.units ?? Math.ceil(bytes / UNIT_BYTES / (options.consistent ? 1 : 2));
  const pace = Number.isFinite(options.unitsPerSecond)
    ? { seconds: Math.ceil(readUnits / options.unitsPerSecond) }
    : {};
  const region = table.arn.split(':')[ARN_REGION] ?? '';
  const price = Object.hasOwn(prices.regions, region) ? prices.regions[region]?.readMillion : undefined;
  if (table.billing === 'provisioned')
    return { readUnits, ...pace, why: 'provisioned units are paid by the hour, whether they are used or not' };
  if (price === undefined)
    return {
      readUnits,
      ...pace,
      why: `the price list of ${prices.date} has no price for ${region}; --prices names another`,
    };
  return {
    readUnits,
    ...pace,
    price: (readUnits * price) / 1e6,
    currency: prices.currency,
    why: `on demand in ${region}: ${price} ${prices.currency} a million read units, as of ${prices.date}`,
  };
}
