import { readPrices, scanCost } from '../../dynamodb/prices.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { DynamoInspection } from '../../model/scan-report.ts';
import { segmentsFor } from '../../source/scan/places.ts';
import { openTable, type TableEnd } from './described.ts';

/** What DynamoDB says of a table, and what a scan of it would take. No item is read. */
export async function inspectDynamo(
  source: TableEnd,
  options: SyncOptions,
  context: RunContext,
): Promise<DynamoInspection> {
  const opened = await openTable(source, options, context);
  try {
    const { table, rate } = opened;
    const { arn, id, name, status, key, items, bytes, billing, reads, writes } = table;
    const { unitsPerSecond, why } = rate;
    const segments = options.scan.segments ?? segmentsFor(bytes);
    const pace = { consistent: options.scan.consistent, unitsPerSecond, segments };
    return {
      kind: 'dynamodb',
      uri: `dynamodb:${table.named}`,
      tableArn: arn,
      tableId: id,
      tableName: name,
      status,
      key: key.map(({ attr: attribute, tag: type }) => ({ attribute, type })),
      ...{ items, bytes, billing, reads, writes },
      rate: { unitsPerSecond: Number.isFinite(unitsPerSecond) ? unitsPerSecond : null, why },
      expected: scanCost(table, pace, await readPrices(options.state.prices)),
      warnings: [],
    };
  } finally {
    await opened.close();
  }
}
