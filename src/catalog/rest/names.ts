/** Names of tables, and the mark of one that was created only to have a place. */
import type { TableMetadata } from '../metadata/wire.ts';
import type { TableName } from '../port.ts';

/**
 * Table property of a table that was created empty, because its catalog cannot prepare one without creating it. The
 * first commit takes it away; whoever finds it takes the table over.
 */
export const PENDING = 'tailrace.pending';

/** `shop.eu.orders`. */
export function fullName({ namespace, table }: TableName): string {
  return [...namespace, table].join('.');
}

/** Whether the table only holds the place of one to come. */
export function isPending(metadata: TableMetadata): boolean {
  const current = metadata['current-snapshot-id'] ?? -1n;
  return current === -1n && metadata.properties?.[PENDING] !== undefined;
}

/** The state without that mark. */
export function withoutPending(metadata: TableMetadata): TableMetadata {
  const { [PENDING]: _, ...properties } = metadata.properties ?? {};
  return { ...metadata, properties };
}

/**
 * What a catalog prepared of a table: its identity, place and properties; layout and columns come with the first commit.
 * The empty schema stays, as the first one: Nessie numbers the columns of a table's first schema anew, and the data files
 * have their ids already.
 */
export function prepared(staged: TableMetadata): TableMetadata {
  return { ...staged, 'partition-specs': [], 'sort-orders': [] };
}
