/**
 * Entries of Parquet tables in a Metastore. A change is made under the table's lock, if the entry is still what was seen;
 * its number goes along as the expected parameter, for Metastores that compare by themselves.
 *
 * Where none is compared a change whose reply was lost may arrive late, and undo what another run shows. So as long as
 * it does not show, the lock is not given back, as with Iceberg tables (pointer.ts).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../model/errors.ts';
import { PARQUET } from '../shown/entry.ts';
import type { ShownColumn } from '../shown/port.ts';
import type {
  EntryChange,
  EntryService,
  NewPartition,
  PartitionFailure,
  SeenEntry,
  SeenPartition,
} from '../shown/service.ts';
import { type HivePartition, type HiveStorage, type HiveTable, METHODS, NO_STATS } from './api.ts';
import type { HiveClient } from './client.ts';
import { bareEntry, clearedEntry, formatOf } from './entry.ts';
import { hiveError, isAbsent, isDefinite, isIncompatible, isModified, isTaken } from './errors.ts';
import type { HiveLimits } from './limits.ts';
import { acquireLock } from './lock.ts';
import type { HiveName } from './names.ts';
import { comparesItself } from './server.ts';
import { Lost } from './thrift/connection.ts';
import { Refusal } from './thrift/message.ts';

export interface HiveEntry extends SeenEntry {
  readonly table: HiveTable;
}

export interface HiveEntryParts {
  readonly client: HiveClient;
  readonly name: HiveName;
  /** The table's full name. */
  readonly place: string;
  /** Owner of an entry that is made, and of locks. */
  readonly user: string;
  readonly limits: HiveLimits;
}

/** Parameter: another value with each change of the entry. A Metastore compares only what is there before and after. */
const CHANGE = 'tailrace.change';

/** How a Metastore calls it that a partition which is to be changed is not there. */
const MISSING = /^InvalidOperationException$/;

/** The entry is no longer what was seen: it is looked at again. */
class Moved extends Error {}

/** The entry of one table in a Metastore. */
export class HiveEntries implements EntryService<HiveEntry> {
  readonly service = 'the Hive Metastore';
  /** Calls of one connection wait for one another. */
  readonly limits = { put: 100, drop: 25, parallel: 1 };
  readonly #parts: HiveEntryParts;

  constructor(parts: HiveEntryParts) {
    this.#parts = parts;
  }

  async entry(): Promise<HiveEntry | undefined> {
    const { client, name } = this.#parts;
    const req = { dbName: name.database, tblName: name.table };
    const table = await client.ask(METHODS.table, { req }).then(
      (reply) => reply.table,
      (thrown: unknown) => {
        if (isAbsent(thrown)) return undefined;
        throw thrown;
      },
    );
    return table === undefined ? undefined : seen(table);
  }

  async create(change: EntryChange): Promise<void> {
    const { client, name, user } = this.#parts;
    const table = changed(bareEntry(name, user), change);
    await client.change(METHODS.createTable, { table, context: { properties: NO_STATS } });
  }

  async update(from: HiveEntry, change: EntryChange): Promise<void> {
    const { client, name, place, user, limits } = this.#parts;
    const lock = await acquireLock(client, { name, place, user }, limits);
    let giveBack = true;
    let next: HiveTable | undefined;
    try {
      const there = (await this.entry())?.table;
      if (there === undefined || stampOf(there) !== stampOf(from.table)) throw new Moved('another writer was first');
      await lock.ensureHeld();
      next = changed(there, change);
      await this.#replace(there, next);
    } catch (thrown) {
      if (!(thrown instanceof Lost) || !thrown.sent || next === undefined) throw thrown;
      if (await this.#arrives(next)) return;
      if (await comparesItself(client)) throw thrown;
      giveBack = false;
      throw new TailraceError('UNREACHABLE', 'It cannot be told whether the entry was changed: no reply came.', {
        place,
        cause: thrown,
        hint: 'Run again in some minutes: the lock of the table is kept until then, so that nothing is overwritten.',
      });
    } finally {
      if (giveBack) await lock.release();
    }
  }

  async *partitions(): AsyncGenerator<SeenPartition> {
    const { client, name, limits } = this.#parts;
    const at = { database: name.database, table: name.table };
    const names = await client.ask(METHODS.partitionNames, at);
    for (let from = 0; from < names.length; from += limits.partitionsPerCall) {
      const some = names.slice(from, from + limits.partitionsPerCall);
      for (const { values = [], sd, parameters = {} } of await client.ask(METHODS.partitions, { ...at, names: some }))
        yield { values, folder: sd?.location, parameters };
    }
  }

  createPartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]> {
    const { client, name } = this.#parts;
    const partitions = batch.map((one) => partitionOf(name, one));
    return unlessMoved(batch, () => client.ask(METHODS.addPartitions, { partitions }));
  }

  changePartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]> {
    const { client, name } = this.#parts;
    const partitions = batch.map((one) => partitionOf(name, one));
    const context = { properties: NO_STATS };
    const at = { database: name.database, table: name.table };
    return unlessMoved(batch, () => client.ask(METHODS.alterPartitions, { ...at, partitions, context }));
  }

  async dropPartitions(batch: readonly (readonly string[])[]): Promise<readonly PartitionFailure[]> {
    const { client, name } = this.#parts;
    for (const values of batch) {
      const one = { database: name.database, table: name.table, values, withData: false };
      await client.ask(METHODS.dropPartition, one).catch((thrown: unknown) => {
        if (!isAbsent(thrown)) throw thrown;
      });
    }
    return [];
  }

  isFinal(thrown: unknown, failures: number): boolean {
    if (failures >= this.#parts.limits.callAttemptsMax) return true;
    if (thrown instanceof Moved || thrown instanceof Lost) return false;
    if (!(thrown instanceof Refusal)) return true;
    // What came or went may have done so between a look and a change; twice, it is the database.
    if (isTaken(thrown) || isAbsent(thrown)) return failures > 1;
    return isDefinite(thrown) && !isModified(thrown);
  }

  error(thrown: unknown): unknown {
    const { place } = this.#parts;
    if (!(thrown instanceof Moved)) return hiveError(thrown, 'change the entry of the table', place);
    return new TailraceError('COMMIT_CONFLICT', 'Others change the entry of the table all the time.', {
      place,
      hint: 'Run again.',
    });
  }

  async wait(failures: number): Promise<void> {
    const { backoffBaseMs, backoffCapMs } = this.#parts.limits;
    await sleep(Math.min(backoffCapMs, backoffBaseMs * 2 ** failures) * (0.25 + 0.75 * Math.random()));
  }

  async #replace(there: HiveTable, next: HiveTable): Promise<void> {
    const { client, name } = this.#parts;
    if (keysOf(there) !== keysOf(next)) {
      // A Metastore lets no table change what it is partitioned by. Its files are not the Metastore's to delete.
      const gone = { database: name.database, table: name.table, withData: false };
      await client.change(METHODS.dropTable, gone);
      await client.change(METHODS.createTable, { table: next, context: { properties: NO_STATS } });
      return;
    }
    await this.#send(there, next).catch(async (thrown: unknown) => {
      if (!isIncompatible(thrown)) throw thrown;
      const cleared = clearedEntry(there, next);
      await this.#send(there, cleared);
      await this.#send(cleared, next);
    });
  }

  async #send(there: HiveTable, table: HiveTable): Promise<void> {
    const { client, name } = this.#parts;
    const value = there.parameters?.[CHANGE];
    const expected = value === undefined ? {} : { expected_parameter_key: CHANGE, expected_parameter_value: value };
    const context = { properties: { ...NO_STATS, ...expected } };
    await client.change(METHODS.alterTable, { database: name.database, name: name.table, table, context });
  }

  /** Whether a change whose reply was lost shows within a while. */
  async #arrives(next: HiveTable): Promise<boolean> {
    const { limits } = this.#parts;
    const deadline = performance.now() + limits.settleMs;
    for (let waitMs = limits.backoffBaseMs; ; waitMs = Math.min(2 * waitMs, limits.backoffCapMs)) {
      const now = await this.entry().catch(() => undefined);
      if (now !== undefined && now.parameters[CHANGE] === next.parameters?.[CHANGE]) return true;
      if (performance.now() >= deadline) return false;
      await sleep(waitMs);
    }
  }
}

function seen(table: HiveTable): HiveEntry {
  return {
    table,
    parameters: table.parameters ?? {},
    partitionKeys: (table.partitionKeys ?? []).map(({ name = '' }) => name),
    comments: new Map(
      (table.sd?.cols ?? []).flatMap(({ name = '', comment }) => (comment === undefined ? [] : [[name, comment]])),
    ),
    format: formatOf(table),
  };
}

/** What others put into the entry stays. */
function changed(there: HiveTable, { parameters: told, shows }: EntryChange): HiveTable {
  const parameters = { ...told, [CHANGE]: randomUUID() };
  if (shows === undefined) return { ...there, parameters };
  return {
    ...there,
    tableType: 'EXTERNAL_TABLE',
    parameters,
    partitionKeys: shows.partitionKeys.map((name) => ({ name, type: 'string' })),
    sd: { ...there.sd, ...storageOf(shows.folder, shows.columns) },
  };
}

function partitionOf(
  { database, table }: HiveName,
  { values, folder, columns, parameters }: NewPartition,
): HivePartition {
  // Without the first of these the Metastore lists the folder to count its files.
  const all = { ...NO_STATS, ...parameters };
  return { values, dbName: database, tableName: table, sd: storageOf(folder, columns), parameters: all };
}

function storageOf(folder: string, columns: readonly ShownColumn[]): HiveStorage {
  return {
    cols: columns,
    location: folder.replace(/\/+$/, ''),
    inputFormat: PARQUET.inputFormat,
    outputFormat: PARQUET.outputFormat,
    serdeInfo: { serializationLib: PARQUET.serde, parameters: PARQUET.serdeParameters },
    compressed: false,
    numBuckets: -1,
    bucketCols: [],
    sortCols: [],
    parameters: {},
  };
}

/** A batch that met a partition that came or went is looked at again. */
async function unlessMoved(
  batch: readonly NewPartition[],
  call: () => Promise<unknown>,
): Promise<readonly PartitionFailure[]> {
  try {
    await call();
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || !(isTaken(thrown) || isAbsent(thrown) || MISSING.test(thrown.exception)))
      throw thrown;
    return batch.map(({ values }) => ({ values, code: thrown.exception, message: thrown.message }));
  }
}

function keysOf({ partitionKeys = [] }: HiveTable): string {
  return partitionKeys.map(({ name = '' }) => name).join('/');
}

function stampOf(table: HiveTable): string {
  return JSON.stringify([Object.entries(table.parameters ?? {}).sort(), keysOf(table), table.sd?.location]);
}
