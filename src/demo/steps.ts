import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isNested } from '../model/attribute-path.ts';
import { TailraceError } from '../model/errors.ts';
import type { SchemaReport, SyncReport } from '../model/report.ts';
import { customers, customersRandom, NASTY_CUSTOMER } from './customers.ts';
import { sameItem } from './same-item.ts';
import { textTable } from './text-table.ts';
import type { ShopItem } from './values.ts';

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
  'nickname',
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
  const rest =
    report.columns.filter(({ attribute }) => attribute === undefined || !isNested(attribute)).length - telling.length;
  return `$ ${command}\n\n${textTable(['column', 'type', 'why'], rows)}\n… and ${rest} more columns. What no column fits stands in _rescued, as DynamoDB JSON.`;
}

/** Holds every customer that `cat` gives, whole lines at a time, against what was written, and shows the nastiest. */
export async function sameItemsText(command: string, pieces: AsyncIterable<string>): Promise<string> {
  const written = new Map([...customers(customersRandom())].map((item) => [idOf(item), item]));
  const nasty: string[] = [];
  let equal = 0;
  for await (const piece of pieces) {
    for (const line of piece.split('\n')) {
      if (line === '') continue;
      const { Item } = JSON.parse(line) as { readonly Item: ShopItem };
      const id = idOf(Item);
      if (!sameItem(Item, written.get(id))) {
        throw new TailraceError('INTERNAL', `Customer ${id} came back changed.`, { found: line });
      }
      equal += 1;
      if (id !== NASTY_CUSTOMER) continue;
      for (const [name, value] of Object.entries(Item))
        nasty.push(`  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    }
  }
  if (equal !== written.size) {
    throw new TailraceError('INTERNAL', `${equal} of ${written.size} customers came back.`, { place: command });
  }
  const compared = `All ${equal} customers compared with the export: equal, every attribute and every type.`;
  return `$ ${command} | grep ${NASTY_CUSTOMER}\n\n${nasty.join('\n')}\n\n${compared}`;
}

function idOf(item: ShopItem): string {
  const id = item.customer_id;
  return id !== undefined && 'S' in id ? id.S : '';
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
