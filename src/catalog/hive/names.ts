/** Names of databases and tables. A Metastore keeps them in lower case, whatever is asked for. */
import { TailraceError } from '../../model/errors.ts';
import type { TableName } from '../port.ts';

const ALLOWED = /^[a-z0-9_]+$/;
// As the Metastore's own database holds them.
const LENGTH_MAX = 128;

/** A table as a Metastore knows it. */
export interface HiveName {
  readonly database: string;
  readonly table: string;
}

/** The table that a name means. A namespace is a database, so it has one part. */
export function hiveName(name: TableName, catalog: string): HiveName {
  return { database: databaseName(name.namespace, catalog), table: name.table.toLowerCase() };
}

/** The database that a namespace means. */
export function databaseName(namespace: readonly string[], catalog: string): string {
  const [database, ...deeper] = namespace;
  if (database !== undefined && deeper.length === 0) return database.toLowerCase();
  throw new TailraceError('CATALOG', 'In a Hive Metastore a namespace is a database, and has no others in it.', {
    place: catalog,
    expected: `${catalog}.<database>.<table>`,
    found: namespace.join('.'),
    hint: 'Name the database and the table.',
  });
}

/** Refuses a name for a new database or table that Hive's readers could not use. */
export function refuseOddName(kind: 'database' | 'table', name: string, place: string): void {
  if (ALLOWED.test(name) && name.length <= LENGTH_MAX) return;
  throw new TailraceError('CATALOG', `Hive cannot use “${name}” as the name of a ${kind}.`, {
    place,
    expected: `letters, digits and _, at most ${LENGTH_MAX}`,
    found: name,
    hint: 'Choose another name.',
  });
}
