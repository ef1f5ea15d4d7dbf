/** Names in catalogs whose namespaces are databases, side by side: Glue, Hive. They keep them in lower case. */
import { TailraceError } from '../model/errors.ts';
import type { TableName } from './port.ts';

/** A table as such a catalog knows it. */
export interface DatabaseTable {
  readonly database: string;
  readonly table: string;
}

export interface NameRules {
  /** As in “in Glue”. */
  readonly service: string;
  /** Who has to be able to read the names. */
  readonly reader: string;
  readonly lengthMax: number;
}

const ALLOWED = /^[a-z0-9_]+$/;

/** What such a catalog makes of names, and what it refuses. `catalog` and `place` say where, for errors. */
export function databaseNames({ service, reader, lengthMax }: NameRules) {
  /** The database that a namespace means. */
  const databaseName = (namespace: readonly string[], catalog: string): string => {
    const [database, ...deeper] = namespace;
    if (database !== undefined && deeper.length === 0) return database.toLowerCase();
    throw new TailraceError('CATALOG', `In ${service} a namespace is a database, and has no others in it.`, {
      place: catalog,
      expected: `${catalog}.<database>.<table>`,
      found: namespace.join('.'),
      hint: 'Name the database and the table.',
    });
  };
  /** The table that a name means. */
  const tableName = (name: TableName, catalog: string): DatabaseTable => ({
    database: databaseName(name.namespace, catalog),
    table: name.table.toLowerCase(),
  });
  /** Refuses a name for a new database or table that readers could not use. */
  const refuseOddName = (kind: 'database' | 'table', name: string, place: string): void => {
    if (ALLOWED.test(name) && name.length <= lengthMax) return;
    throw new TailraceError('CATALOG', `${reader} cannot use “${name}” as the name of a ${kind}.`, {
      place,
      expected: `lower-case letters, digits and _, at most ${lengthMax}`,
      found: name,
      hint: 'Choose another name.',
    });
  };
  return { databaseName, tableName, refuseOddName };
}
