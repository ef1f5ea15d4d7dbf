import { isAbsolute, join, relative, resolve } from 'node:path';
import { TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { DemoStep, QueryResult, SchemaReport, SyncReport } from '../model/report.ts';
import { freshDemoFolder } from './folder.ts';
import { readersText } from './readers.ts';
import { writeShopExport } from './shop.ts';
import { sameItemsText, schemaText, sizeOf, syncText } from './steps.ts';
import { textTable } from './text-table.ts';

/** The library's verbs that the demo shows; the parent passes them in. */
export interface DemoVerbs {
  sync(source: string, target: string, options: SyncOptions, context: RunContext): Promise<SyncReport>;
  query(target: string, sql: string, options: SyncOptions, context: RunContext): Promise<QueryResult>;
  cat(target: string, options: SyncOptions & { readonly as: 'ddb-json' }, context: RunContext): AsyncIterable<string>;
  showSchema(target: string, options: SyncOptions, context: RunContext): Promise<SchemaReport>;
}

export const DEFAULT_DEMO_DIR = 'demo-output';

const REVENUE_BY_MONTH = `SELECT substr(placed_at, 1, 7) AS month,
       count(DISTINCT order_id) AS orders,
       sum(line.qty) AS pieces,
       sum(line.qty * line.price)::DECIMAL(12, 2) AS revenue
FROM (SELECT placed_at, order_id, unnest(lines) AS line FROM t WHERE status <> 'cancelled')
GROUP BY month ORDER BY month LIMIT 6`;

const CUSTOMERS_BY_COUNTRY = `SELECT country,
       count(*) AS customers,
       count(DISTINCT address.city) AS cities,
       sum(loyalty_points) AS points,
       count(*) FILTER (list_contains(interests, 'coffee')) AS like_coffee
FROM t GROUP BY country ORDER BY customers DESC, country LIMIT 6`;

/** Shows what tailrace does on an example shop, step by step; everything stays in `dir` to look at. */
export async function* runDemo(
  dir: string | undefined,
  verbs: DemoVerbs,
  options: SyncOptions,
  context: RunContext,
): AsyncIterable<DemoStep> {
  const root = resolve(dir ?? DEFAULT_DEMO_DIR);
  await freshDemoFolder(root);
  const { exports, items } = await writeShopExport(join(root, 'exports'));
  const customers: Pair = { source: exports.customers, target: join(root, 'tables/customers'), key: ['customer_id'] };
  const orders: Pair = {
    source: exports.orders,
    target: join(root, 'tables/orders'),
    key: ['customer_id', 'order_id'],
  };
  const withKey = (pair: Pair): SyncOptions => ({ ...options, schema: { ...options.schema, key: pair.key } });
  const load = (pair: Pair): Promise<SyncReport> => syncOrThrow(verbs, pair, withKey(pair), context);

  yield {
    title: 'An example shop, as DynamoDB exports it',
    text: [
      `${items.customers} customers and ${items.orders} orders, all ten types of DynamoDB, a few items that break loaders.`,
      `  ${shown(customers.source)}  ${await sizeOf(customers.source)}`,
      `  ${shown(orders.source)}  ${await sizeOf(orders.source)}`,
    ].join('\n'),
  };
  const loadedCustomers = await load(customers);
  const loadedOrders = await load(orders);
  yield {
    title: 'Two commands, two Iceberg tables',
    text: `${syncText(command(customers), loadedCustomers)}\n${syncText(command(orders), loadedOrders)}`,
  };
  yield {
    title: 'The schema it found, and why',
    text: schemaText(
      `tailrace schema show ${shown(customers.target)}`,
      await verbs.showSchema(customers.target, options, context),
    ),
  };
  yield {
    title: 'Revenue by month, from the lines inside each order',
    text: await queryText(verbs, orders.target, REVENUE_BY_MONTH, options, context),
  };
  yield {
    title: 'Customers by country',
    text: await queryText(verbs, customers.target, CUSTOMERS_BY_COUNTRY, options, context),
  };
  yield {
    title: 'Nothing was lost: every item comes back as it went in, the nastiest too',
    text: await sameItemsText(
      `tailrace cat ${shown(customers.target)} --as ddb-json`,
      verbs.cat(customers.target, { ...options, as: 'ddb-json' }, context),
    ),
  };
  yield { title: 'The same command again changes nothing', text: syncText(command(orders), await load(orders)) };
  yield {
    title: 'Where the tables lie, and who opens them',
    text: await readersText(orders.target, shown(orders.target)),
  };
}

interface Pair {
  readonly source: string;
  readonly target: string;
  readonly key: readonly string[];
}

function command({ source, target, key }: Pair): string {
  return `tailrace sync ${shown(source)} ${shown(target)} --key ${key.join(',')}`;
}

/** A path as one would type it here. */
function shown(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') || isAbsolute(below) ? path : `./${below}`;
}

async function syncOrThrow(
  verbs: DemoVerbs,
  pair: Pair,
  options: SyncOptions,
  context: RunContext,
): Promise<SyncReport> {
  const report = await verbs.sync(pair.source, pair.target, options, context);
  if (report.error === undefined) return report;
  const { code, message, ...details } = report.error;
  throw new TailraceError(code, message, details);
}

async function queryText(
  verbs: DemoVerbs,
  target: string,
  sql: string,
  options: SyncOptions,
  context: RunContext,
): Promise<string> {
  const result = await verbs.query(target, sql, options, context);
  try {
    const rows: (readonly unknown[])[] = [];
    for await (const row of result.rows) rows.push(row);
    return `$ tailrace query ${shown(target)} "${sql}"\n\n${textTable(
      result.columns.map(({ name }) => name),
      rows,
    )}`;
  } finally {
    await result.close();
  }
}
