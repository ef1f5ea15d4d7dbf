import { TailraceError } from '../../model/errors.ts';
import type { TableSchema } from '../../model/schema.ts';
import { ident, list } from '../sql/quote.ts';
import type { Cursor, Duck } from './instance.ts';
import { type ReadFile, readPaths, tableRelation } from './read.ts';

/**
 * A user's SELECT over the table, which is called t. The engine is locked before it runs: it reaches the table's
 * files and no others, and its settings are fixed. Nothing else can be read or written with it afterwards, so give
 * it an engine of its own.
 */
export async function runQuery(
  duck: Duck,
  schema: TableSchema,
  files: readonly ReadFile[],
  sql: string,
  signal?: AbortSignal,
): Promise<Cursor> {
  await duck.run(
    `CREATE VIEW ${ident('t')} AS ${tableRelation(schema, files)};
    SET GLOBAL allowed_paths = ${list(readPaths(files))}::VARCHAR[]; SET GLOBAL enable_external_access = false;
    SET GLOBAL lock_configuration = true`,
    signal,
  );
  try {
    const { count, type } = await duck.statementType(sql);
    if (count !== 1 || type !== 'SELECT') throw onlySelect(count, type);
    return await duck.cursor(sql, signal);
  } catch (error) {
    throw refused(error);
  }
}

function onlySelect(count: number, type: string): TailraceError {
  const found = count === 1 ? `a statement of type ${type}` : `${count} statements`;
  return new TailraceError('QUERY', 'A query is one SELECT.', {
    found,
    hint: 'Write one SELECT; the table is called t.',
  });
}

/** What the engine says of a query is the user's to mend; limits and interrupts stay what they are. */
function refused(error: unknown): unknown {
  if (!(error instanceof TailraceError) || error.code !== 'ENGINE' || !(error.cause instanceof Error)) return error;
  return new TailraceError('QUERY', error.cause.message.trim(), {
    cause: error.cause,
    hint: 'The table is called t; DESCRIBE t shows its columns. A query can read nothing else.',
  });
}
