import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api';
import { TailraceError } from '../../model/errors.ts';
import { str } from '../sql/quote.ts';
import { engineError } from './errors.ts';
import { decodeExactly } from './exact-text.ts';
import { applyScalar, plainValue, type ScalarFunction, scalarType, type Value } from './values.ts';

export interface DuckOptions {
  readonly memoryLimitBytes: number;
  readonly threads: number;
  /** Spills go into a fresh folder in here; it must exist. */
  readonly tempDir: string;
  readonly tempBudgetBytes: number;
}

export interface Cursor {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** May be read once. Leaving the loop early ends the query. */
  readonly rows: AsyncIterable<readonly Value[]>;
}

/**
 * One embedded engine. Each statement has a connection of its own, so that statements may run side by side and an
 * abort stops only its own; therefore no TEMP tables and no session settings: they would be gone with the statement.
 * Settings that hold for some work are those of settings.ts.
 */
export interface Duck {
  readonly limits: Pick<DuckOptions, 'memoryLimitBytes' | 'threads'>;
  /** Runs one or more statements for their effect. */
  run(sql: string, signal?: AbortSignal): Promise<void>;
  /** All rows of a small result. */
  rows(sql: string, signal?: AbortSignal): Promise<Record<string, Value>[]>;
  /** Rows one by one, in bounded memory, with names and types known first. */
  cursor(sql: string, signal?: AbortSignal): Promise<Cursor>;
  /** The rows of `cursor`. */
  stream(sql: string, signal?: AbortSignal): AsyncIterable<readonly Value[]>;
  /** How many statements a text holds and of what type the first one is; QUERY when it cannot be parsed or bound. */
  statementType(sql: string): Promise<{ readonly count: number; readonly type: string }>;
  /** Makes a JavaScript function callable from SQL: about 0.3–1 million calls a second, so not for bulk paths. */
  registerScalar(fn: ScalarFunction): Promise<void>;
  close(): void;
}

type DuckModule = typeof import('@duckdb/node-api');

/** Opens an engine in memory with fixed limits. It loads no extension that is not built in. */
export async function openDuckDb(options: DuckOptions): Promise<Duck> {
  // Imported as a module, its 60 files would be searched for the names they export, which takes 30 ms.
  const duckdb = createRequire(import.meta.url)('@duckdb/node-api') as DuckModule;
  decodeExactly();
  const spills = spillFolder(options.tempDir);
  const instance = await open(duckdb, options, spills);
  const withConnection = <T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal) =>
    guarded(instance, signal, work, true);
  return {
    limits: options,
    run: (sql, signal) => withConnection(async (connection) => void (await connection.run(sql)), signal),
    // Streamed, a statement with nothing left for its own thread to do would have it ask again and again until it ends.
    rows: (sql, signal) => withConnection(async (connection) => allRows(duckdb, await connection.run(sql)), signal),
    cursor: (sql, signal) => openCursor(duckdb, instance, sql, signal),
    stream: (sql, signal) => streamRows(() => openCursor(duckdb, instance, sql, signal)),
    statementType: (sql) => withConnection((connection) => firstStatement(duckdb, connection, sql)),
    registerScalar: (fn) => withConnection(async (connection) => register(duckdb, connection, fn)),
    close: () => {
      instance.closeSync();
      rmSync(spills, { recursive: true, force: true });
    },
  };
}

/** Two engines that spill into one folder overwrite each other's files, so each has its own. */
function spillFolder(tempDir: string): string {
  try {
    return mkdtempSync(join(tempDir, 'spill-'));
  } catch (error) {
    throw engineError(error, tempDir);
  }
}

async function open(duckdb: DuckModule, options: DuckOptions, spills: string): Promise<DuckDBInstance> {
  try {
    const instance = await duckdb.DuckDBInstance.create(':memory:', {
      memory_limit: `${options.memoryLimitBytes}B`,
      threads: String(options.threads),
      temp_directory: spills,
      preserve_insertion_order: 'false',
      // What a batch freed goes back to the system; kept by the allocator, it would add up from batch to batch.
      allocator_flush_threshold: '16MB',
      // By default and at 32 MB, freed pages of one long statement add up to 150 MB; this costs 2 % of a load's time at most.
      allocator_bulk_deallocation_flush_threshold: '2MB',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // It has served the former content of a path that was written anew: fetched files, group by group.
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    // Given at creation this setting is shown but not obeyed (1.5.6), hence SET.
    await connection.run(`SET GLOBAL max_temp_directory_size = ${str(`${options.tempBudgetBytes}B`)}`);
    await connection.run(`SET GLOBAL TimeZone = ${str('UTC')}`);
    connection.closeSync();
    return instance;
  } catch (error) {
    throw engineError(error);
  }
}

/** Runs work on a fresh connection; an abort interrupts it. `release`: close the connection when it is done. */
async function guarded<T>(
  instance: DuckDBInstance,
  signal: AbortSignal | undefined,
  work: (connection: DuckDBConnection) => Promise<T>,
  release: boolean,
): Promise<T> {
  if (isAborted(signal)) throw interrupted(signal);
  const connection = await instance.connect();
  const stop = interruptOnAbort(connection, signal);
  try {
    const result = await work(connection);
    if (isAborted(signal)) throw interrupted(signal);
    if (release) connection.closeSync();
    return result;
  } catch (error) {
    connection.closeSync();
    throw isAborted(signal) ? interrupted(signal) : engineError(error);
  } finally {
    stop();
  }
}

/** An interrupt that comes before the statement began has no effect, so it is repeated until the work ends. */
function interruptOnAbort(connection: DuckDBConnection, signal: AbortSignal | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    connection.interrupt();
    timer = setInterval(() => connection.interrupt(), 20);
  };
  if (isAborted(signal)) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    clearInterval(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function interrupted(signal: AbortSignal | undefined): TailraceError {
  const hint = 'Run the same command again; it goes on where it stopped.';
  return new TailraceError('INTERRUPTED', 'The run was interrupted.', { hint, cause: signal?.reason });
}

async function allRows(duckdb: DuckModule, result: DuckDBResult): Promise<Record<string, Value>[]> {
  const names = result.deduplicatedColumnNames();
  const all: Record<string, Value>[] = [];
  for await (const chunk of result) {
    for (const row of chunk.getRows()) {
      all.push(Object.fromEntries(names.map((name, i) => [name, plainValue(duckdb, row[i] ?? null)])));
    }
  }
  return all;
}

/**
 * The buffer of a stream counts 16 bytes a text, however long, so that gigabytes of large items pile up in it by
 * default. At its least it holds one chunk. A locked engine refuses the setting: its query keeps the default.
 */
async function smallBuffer(connection: DuckDBConnection): Promise<void> {
  await connection.run(`SET streaming_buffer_size = ${str('1KiB')}`).catch(() => undefined);
}

async function openCursor(
  duckdb: DuckModule,
  instance: DuckDBInstance,
  sql: string,
  signal?: AbortSignal,
): Promise<Cursor> {
  const { connection, result } = await guarded(
    instance,
    signal,
    async (fresh) => {
      await smallBuffer(fresh);
      return { connection: fresh, result: await fresh.stream(sql) };
    },
    false,
  );
  const columns = result.columnNames().map((name, i) => ({ name, type: String(result.columnType(i)) }));
  return { columns, rows: cursorRows(duckdb, connection, result, signal) };
}

async function* cursorRows(
  duckdb: DuckModule,
  connection: DuckDBConnection,
  result: DuckDBResult,
  signal?: AbortSignal,
): AsyncGenerator<readonly Value[]> {
  const stop = interruptOnAbort(connection, signal);
  try {
    for (;;) {
      if (isAborted(signal)) throw interrupted(signal);
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      // Row by row: a chunk of 2,048 items of 400 KB must not stand in JavaScript's heap as a whole.
      for (let row = 0; row < chunk.rowCount; row++) {
        yield chunk.getRowValues(row).map((value) => plainValue(duckdb, value));
      }
    }
  } catch (error) {
    throw isAborted(signal) ? interrupted(signal) : engineError(error);
  } finally {
    stop();
    connection.closeSync();
  }
}

async function* streamRows(opened: () => Promise<Cursor>): AsyncGenerator<readonly Value[]> {
  yield* (await opened()).rows;
}

async function firstStatement(
  duckdb: DuckModule,
  connection: DuckDBConnection,
  sql: string,
): Promise<{ count: number; type: string }> {
  // Of a text without any statement the binding says only that a callback failed.
  const blank = sql.replace(/--.*$|\/\*[\s\S]*?\*\/|[\s;]/gm, '') === '';
  if (blank) return { count: 0, type: 'INVALID' };
  const extracted = await connection.extractStatements(sql);
  if (extracted.count === 0) return { count: 0, type: 'INVALID' };
  const prepared = await extracted.prepare(0);
  const type = duckdb.StatementType[prepared.statementType];
  prepared.destroySync();
  return { count: extracted.count, type };
}

function register(duckdb: DuckModule, connection: DuckDBConnection, fn: ScalarFunction): void {
  connection.registerScalarFunction(
    duckdb.DuckDBScalarFunction.create({
      name: fn.name,
      parameterTypes: fn.parameters.map((type) => scalarType(duckdb, type)),
      returnType: scalarType(duckdb, fn.returns),
      mainFunction: (_info, input, output) =>
        applyScalar(
          duckdb,
          fn,
          fn.parameters.map((_, i) => input.getColumnValues(i)),
          input.rowCount,
          output,
        ),
    }),
  );
}
