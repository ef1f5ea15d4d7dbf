import type { DynamoApi } from '../../dynamodb/api.ts';
import type { KeyPart } from '../../dynamodb/describe.ts';
import type { TableTarget } from '../../load/target.ts';
import { createTable, type WritableTable, whenActive, writableTable } from '../../load/write/table.ts';
import { TailraceError } from '../../model/errors.ts';
import type { Item } from '../../model/item.ts';
import type { LoadOptions } from '../../model/load.ts';

/** The table that is there, ready to be written to; undefined where one is to be made by the first item. */
export async function openTarget(
  api: DynamoApi,
  { name }: TableTarget,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<WritableTable | undefined> {
  const found = await writableTable(api, name, signal);
  const key = options.schema.key;
  if (found === undefined) {
    if (options.createTable !== true) {
      throw new TailraceError('TARGET_NOT_FOUND', `There is no DynamoDB table ${name}.`, {
        place: `dynamodb:${name}`,
        hint: 'Check the name, the account, the region and the endpoint, or let it be made: --create-table --key PK[,SK].',
      });
    }
    if (key.length === 0) {
      throw new TailraceError('USAGE', 'A new table needs a key.', {
        place: '--create-table',
        expected: '--key PK[,SK]',
        hint: 'Name the attributes of the partition key and, if there is one, of the sort key.',
      });
    }
    if (name.startsWith('arn:')) {
      throw new TailraceError('USAGE', 'A new table is named by its name, not by an ARN.', {
        place: `dynamodb:${name}`,
        hint: 'Name it, and give --target-region.',
      });
    }
    return undefined;
  }
  const own = found.key.map(({ attr }) => attr);
  if (key.length > 0 && key.join('\0') !== own.join('\0')) {
    throw new TailraceError('USAGE', `The table ${name} has another key than --key says.`, {
      place: '--key',
      expected: own.join(','),
      found: key.join(','),
      hint: 'Leave --key out: the key of a table that is there is asked of DynamoDB.',
    });
  }
  return found.status === 'ACTIVE' ? found : whenActive(api, name, signal);
}

/** Makes the table with the key's types as the first item has them. */
export async function makeTable(
  api: DynamoApi,
  name: string,
  item: Item,
  options: LoadOptions,
  provisioned: { readonly read: number; readonly write: number } | undefined,
  signal: AbortSignal,
): Promise<WritableTable> {
  const key = keyOf(item, options.schema.key);
  if (options.dryRun) {
    const writes = provisioned === undefined ? {} : { provisioned: provisioned.write };
    const billing = provisioned === undefined ? 'on-demand' : 'provisioned';
    return { named: name, arn: undefined, id: '', key, indexKeys: [], writes, status: 'PLANNED', billing };
  }
  await createTable(api, { name, key, provisioned }, signal);
  return whenActive(api, name, signal);
}

/** Whether an item can say of what types a new table's key is. */
export function tellsKey(item: Item, names: readonly string[]): boolean {
  return names.every((name) => ['S', 'N', 'B'].includes(item.get(name)?.tag ?? ''));
}

function keyOf(item: Item, names: readonly string[]): KeyPart[] {
  return names.map((attr) => ({ attr, tag: (item.get(attr)?.tag ?? 'S') as KeyPart['tag'] }));
}
