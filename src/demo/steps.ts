import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../model/errors.ts';
import type { SchemaReport, SyncReport } from '../model/report.ts';
import { NASTY_CUSTOMER, nastyCustomer } from './customers.ts';
import { sameItem } from './same-item.ts';
import { textTable } from './text-table.ts';

/** Attributes whose columns are worth a line in the demo. */
const TELLING = [
  'loyalty_points',
  'credit_limit',
  'address',
  'interests',
  'ratings',
  'exact_balance',
  'vat_id',
  'preferences',
  'history',
  'social',
  'legal.entity',
];

/** What one `sync` did, in two lines. */
export function syncText(command: string, report: SyncReport): string {
  const { read, written, rejected, rescued } = report.counts;
  const done =
    report.outcome === 'unchanged'
      ? 'unchanged: the table already holds this export'
      : `${report.outcome} in ${(report.timings.totalMs / 1000).toFixed(1)} s: ${read} read, ${written} written, ` +
        `${rejected} rejected, ${rescued} with a value in _rescued`;
  return `$ ${command}\n  ${done}`;
}

/** The telling columns with their types and reasons. */
export function schemaText(command: string, report: SchemaReport): string {
  const telling = report.columns.filter(({ attribute }) => attribute !== undefined && TELLING.includes(attribute));
  const rows = telling.map(({ name, type, reason }) => [name, type, reason]);
  const rest = report.columns.length - telling.length;
  return `$ ${command}\n\n${textTable(['column', 'type', 'why'], rows)}\n… and ${rest} more columns. What no column fits stands in _rescued, as DynamoDB JSON.`;
}

/** Finds the nasty item in what `cat` gives, whole lines at a time, and holds it against what was written. */
export async function nastyItemText(command: string, pieces: AsyncIterable<string>): Promise<string> {
  for await (const piece of pieces) {
    const line = piece.split('\n').find((text) => text.includes(`"${NASTY_CUSTOMER}"`));
    if (line === undefined) continue;
    const { Item } = JSON.parse(line) as { readonly Item: Readonly<Record<string, unknown>> };
    if (!sameItem(Item, nastyCustomer())) {
      throw new TailraceError('INTERNAL', `The item ${NASTY_CUSTOMER} came back changed.`, { found: line });
    }
    const shown = Object.entries(Item).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    return `$ ${command} | grep ${NASTY_CUSTOMER}\n\n${shown.join('\n')}\n\nCompared with the export: equal, every attribute and every type.`;
  }
  throw new TailraceError('INTERNAL', `The item ${NASTY_CUSTOMER} is not in the table.`);
}

/** Files and bytes below a folder. */
export async function sizeOf(dir: string): Promise<string> {
  let files = 0;
  let bytes = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files += 1;
    bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return `${files} files, ${Math.round(bytes / 1000)} kB`;
}
