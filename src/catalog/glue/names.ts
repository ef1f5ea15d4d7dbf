/** Names of databases and tables. Glue keeps them in lower case, whatever is asked for. */
import { TailraceError } from '../../model/errors.ts';
import type { TableName } from '../port.ts';

const ALLOWED = /^[a-z0-9_]+$/;
const LENGTH_MAX = 255;

/** A table as Glue knows it. */
export interface GlueName {
  readonly database: string;
  readonly table: string;
}

/** The table that a name means. A namespace is a database, so it has one part. */
export function glueName(name: TableName, catalog: string): GlueName {
  return { database: databaseName(name.namespace, catalog), table: name.table.toLowerCase() };
}

/** The database that a namespace means. */
export function databaseName(namespace: readonly string[], catalog: string): string {
  const [database, ...deeper] = namespace;
  if (database !== undefined && deeper.length === 0) return database.toLowerCase();
  throw new TailraceError('CATALOG', 'In Glue a namespace is a database, and has no others in it.', {
    place: catalog,
    expected: `${catalog}.<database>.<table>`,
    found: namespace.join('.'),
    hint: 'Name the database and the table.',
  });
}

/** Refuses a name for a new database or table that Athena could not read. */
export function refuseOddName(kind: 'database' | 'table', name: string, place: string): void {
  if (ALLOWED.test(name) && name.length <= LENGTH_MAX) return;
  throw new TailraceError('CATALOG', `Athena cannot use “${name}” as the name of a ${kind}.`, {
    place,
    expected: `lower-case letters, digits and _, at most ${LENGTH_MAX}`,
    found: name,
    hint: 'Choose another name.',
  });
}
