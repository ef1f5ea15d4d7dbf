/**
 * The parameter `metadata_location` of a table's entry, changed under two guards: the table's lock, which all Iceberg
 * writers take, and the Metastore's own comparison, which newer servers make and older ones ignore.
 *
 * Without that comparison a change whose reply was lost may arrive late, and would then overwrite whatever came
 * meanwhile. So as long as it cannot be told what became of it, the lock is not given back: it ends minutes later.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pointer, PointerStore, SwapOutcome } from '../pointer.ts';
import type { CatalogState } from '../port.ts';
import { type HiveTable, METHODS, NO_STATS } from './api.ts';
import type { HiveClient } from './client.ts';
import { clearedEntry, LOCATION, metadataLocationOf, newEntry, nextEntry } from './entry.ts';
import { firstLine, hiveError, isAbsent, isDefinite, isIncompatible, isModified, isTaken } from './errors.ts';
import type { HiveLimits } from './limits.ts';
import { acquireLock } from './lock.ts';
import type { HiveName } from './names.ts';
import { comparesItself } from './server.ts';
import { Lost } from './thrift/connection.ts';
import { Refusal } from './thrift/message.ts';

const MOVED: SwapOutcome = { kind: 'lost', reason: 'Another writer was first.' };

type Next = Omit<CatalogState, 'token'>;

/** What entries are made of besides the table's metadata. */
export interface EntrySettings {
  /** Owner of tables that are made, and of locks. */
  readonly user: string;
  /** New tables are made for Hive itself, too. */
  readonly forHive: boolean;
}

/** The pointer of one table. `place` is the table's full name. */
export class HivePointer implements PointerStore {
  readonly #client: HiveClient;
  readonly #name: HiveName;
  readonly #place: string;
  readonly #settings: EntrySettings;
  readonly #limits: HiveLimits;

  constructor(client: HiveClient, name: HiveName, place: string, settings: EntrySettings, limits: HiveLimits) {
    this.#client = client;
    this.#name = name;
    this.#place = place;
    this.#settings = settings;
    this.#limits = limits;
  }

  async read(): Promise<Pointer | undefined> {
    const table = await this.#table();
    if (table === undefined) return undefined;
    const metadataLocation = metadataLocationOf(table, this.#place);
    return { metadataLocation, token: metadataLocation };
  }

  async swap(from: CatalogState | undefined, to: Next): Promise<SwapOutcome> {
    if (from === undefined) return this.#create(to);
    const { user } = this.#settings;
    const lock = await acquireLock(this.#client, { name: this.#name, place: this.#place, user }, this.#limits);
    let giveBack = true;
    try {
      const there = await this.#table();
      if (there === undefined || metadataLocationOf(there, this.#place) !== from.metadataLocation) return MOVED;
      await lock.ensureHeld();
      const outcome = await this.#alter(there, from, to);
      if (outcome.kind !== 'unknown' || (await comparesItself(this.#client))) return outcome;
      giveBack = false;
      return { ...outcome, late: true };
    } finally {
      if (giveBack) await lock.release();
    }
  }

  /** No lock: a name is taken once. */
  async #create(to: Next): Promise<SwapOutcome> {
    const table = newEntry(this.#name, this.#settings.user, this.#settings.forHive, to);
    try {
      await this.#client.change(METHODS.createTable, { table, context: { properties: NO_STATS } });
      return { kind: 'swapped' };
    } catch (thrown) {
      if (isTaken(thrown)) return MOVED;
      return this.#settled(thrown, to, undefined, 'create the table');
    }
  }

  async #alter(there: HiveTable, from: CatalogState, to: Next): Promise<SwapOutcome> {
    const next = nextEntry(there, from, to);
    try {
      await this.#send(next, from).catch(async (thrown) => {
        if (!isIncompatible(thrown)) throw thrown;
        // The Metastore refuses a column of another type at the place of an older one, but lets go of the last ones.
        await this.#send(clearedEntry(there, next), from);
        await this.#send(next, from);
      });
      return { kind: 'swapped' };
    } catch (thrown) {
      return this.#settled(thrown, to, from, 'change the table');
    }
  }

  async #send(table: HiveTable, from: CatalogState): Promise<void> {
    const expected = { expected_parameter_key: LOCATION, expected_parameter_value: from.metadataLocation };
    await this.#client.change(METHODS.alterTable, {
      database: this.#name.database,
      name: this.#name.table,
      table,
      context: { properties: { ...NO_STATS, ...expected } },
    });
  }

  /**
   * What became of a change that failed. Most answers say that it came to nothing; what a server says of its own
   * troubles proves nothing. Without an answer it may still arrive: it is looked for, for a while.
   */
  async #settled(thrown: unknown, to: Next, from: CatalogState | undefined, what: string): Promise<SwapOutcome> {
    const error = hiveError(thrown, what, this.#place);
    if (!(thrown instanceof Refusal || (thrown instanceof Lost && thrown.sent))) throw error;
    const answered = thrown instanceof Refusal;
    const deadline = performance.now() + (answered ? 0 : this.#limits.settleMs);
    for (let waitMs = this.#limits.backoffBaseMs; ; waitMs = Math.min(2 * waitMs, this.#limits.backoffCapMs)) {
      const seen = await this.#seen(to, from);
      if (seen === 'ours') return { kind: 'swapped' };
      if (answered && seen !== 'unread' && (seen === 'moved' || isModified(thrown))) return MOVED;
      if (answered && seen === 'as it was' && isDefinite(thrown)) throw error;
      if (seen === 'moved' || performance.now() >= deadline) break;
      await sleep(waitMs);
    }
    const reason = `The Hive Metastore ${answered ? 'failed' : 'did not answer'}: ${firstLine(thrown)}.`;
    return { kind: 'unknown', reason, cause: thrown };
  }

  async #seen(to: Next, from: CatalogState | undefined): Promise<'ours' | 'as it was' | 'moved' | 'unread'> {
    try {
      const now = await this.read();
      if (now?.metadataLocation === to.metadataLocation) return 'ours';
      return now?.metadataLocation === from?.metadataLocation ? 'as it was' : 'moved';
    } catch {
      return 'unread';
    }
  }

  async #table(): Promise<HiveTable | undefined> {
    try {
      const req = { dbName: this.#name.database, tblName: this.#name.table };
      return (await this.#client.ask(METHODS.table, { req })).table;
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw hiveError(thrown, 'read the table', this.#place);
    }
  }
}
