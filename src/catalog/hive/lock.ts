/**
 * The lock of a table, as every Iceberg writer takes it before it changes the table's entry. Older Metastores compare
 * nothing by themselves: there the lock alone keeps writers apart.
 *
 * A lock that the Metastore has not heard of for `metastore.txn.timeout` (5 minutes) may end at any time, so that the
 * lock of a process that died does not last. So a process that was halted for long may no longer hold its lock.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../model/errors.ts';
import { LOCK_EXCLUSIVE, LOCK_STATE, METHODS } from './api.ts';
import type { HiveClient } from './client.ts';
import { hiveError } from './errors.ts';
import type { HiveLimits } from './limits.ts';
import { endDeadLocks, holderOf, locksOf } from './locks.ts';
import type { HiveName } from './names.ts';
import { Lost } from './thrift/connection.ts';
import { Refusal } from './thrift/message.ts';

const WAIT_FIRST_MS = 30;
const WAIT_MAX_MS = 1_000;

/** What a lock is taken on, and for whom. */
export interface LockWanted {
  readonly name: HiveName;
  /** The table's full name, for errors. */
  readonly place: string;
  readonly user: string;
}

/** Waits for the lock of a table. When that takes too long, the error tells who holds it. */
export async function acquireLock(client: HiveClient, wanted: LockWanted, limits: HiveLimits): Promise<TableLock> {
  const started = performance.now();
  const lock = new TableLock(client, wanted, limits);
  let lookedAt = started;
  try {
    let held = await lock.request();
    for (let waitMs = WAIT_FIRST_MS; !held; waitMs = Math.min(waitMs * 1.5, WAIT_MAX_MS)) {
      const now = performance.now();
      if (now - started > limits.lockTimeoutMs) throw await tooLong(client, lock, wanted, limits.lockTimeoutMs);
      if (now - lookedAt > limits.deadLocksEveryMs) {
        await endDeadLocks(client, wanted.name, lock.agent);
        lookedAt = now;
      }
      await sleep(waitMs * (0.5 + Math.random()));
      held = await lock.check();
    }
    return lock;
  } catch (thrown) {
    await lock.release();
    throw hiveError(thrown, 'lock the table', wanted.place);
  }
}

/** A lock that was asked for. */
export class TableLock {
  readonly #client: HiveClient;
  readonly #wanted: LockWanted;
  readonly #limits: HiveLimits;
  /** By this a lock is found again whose id was lost with the reply. */
  readonly agent = `tailrace-${randomUUID()}`;
  #id: bigint | undefined;
  #heardAt = 0;

  constructor(client: HiveClient, wanted: LockWanted, limits: HiveLimits) {
    this.#client = client;
    this.#wanted = wanted;
    this.#limits = limits;
  }

  /** Asks for the lock; false: it has to be waited for. */
  async request(): Promise<boolean> {
    const { name, user } = this.#wanted;
    const component = [{ ...LOCK_EXCLUSIVE, dbname: name.database, tablename: name.table }];
    const request = { component, user, hostname: hostname(), agentInfo: this.agent };
    try {
      return this.#told(await this.#client.change(METHODS.lock, { request }));
    } catch (thrown) {
      if (!(thrown instanceof Lost) || !thrown.sent) throw thrown;
      const found = (await locksOf(this.#client, name)).find(({ agentInfo }) => agentInfo === this.agent);
      if (found === undefined) throw thrown;
      return this.#told(found);
    }
  }

  /** Whether the lock is held by now; the Metastore hears of it thereby. One that it has dropped is asked for anew. */
  async check(): Promise<boolean> {
    try {
      return this.#told(await this.#client.ask(METHODS.checkLock, { request: { lockid: this.#id ?? 0n } }));
    } catch (thrown) {
      if (!isDropped(thrown)) throw thrown;
      this.#id = undefined;
      return this.request();
    }
  }

  /** Throws unless the lock is still held, as far as can be told: this process may have been halted for long. */
  async ensureHeld(): Promise<void> {
    if (performance.now() - this.#heardAt < this.#limits.lockTrustMs) return;
    const id = this.#id;
    if ((await this.check()) && this.#id === id) return;
    throw new TailraceError('COMMIT_CONFLICT', 'The lock of the table ended while this process stood still.', {
      place: this.#wanted.place,
      hint: 'Run again.',
    });
  }

  /** Gives the lock back. One that cannot be given back ends by itself. */
  async release(): Promise<void> {
    const id = this.#id;
    if (id === undefined) return;
    this.#id = undefined;
    await this.#client.ask(METHODS.unlock, { request: { lockid: id } }).catch(() => undefined);
  }

  #told(answer: { readonly lockid?: bigint; readonly state?: number; readonly errorMessage?: string }): boolean {
    this.#id = answer.lockid;
    this.#heardAt = performance.now();
    if (answer.state === LOCK_STATE.acquired) return true;
    if (answer.state === LOCK_STATE.waiting) return false;
    throw new Refusal('LockException', answer.errorMessage ?? `the lock is in state ${answer.state}`);
  }
}

function isDropped(thrown: unknown): boolean {
  return thrown instanceof Refusal && thrown.exception === 'NoSuchLockException';
}

async function tooLong(client: HiveClient, lock: TableLock, wanted: LockWanted, timeoutMs: number): Promise<unknown> {
  const holder = await holderOf(client, wanted.name, lock.agent);
  return new TailraceError('COMMIT_CONFLICT', 'The table is locked in the Hive Metastore by another writer.', {
    place: wanted.place,
    expected: `the lock within ${timeoutMs / 1_000} s`,
    found: holder ?? 'nobody who holds it: others were faster again and again',
    hint:
      'Run again when that writer is done. The lock of a process that died is ended by the next run, as soon as the ' +
      'Metastore has not heard of it for metastore.txn.timeout (5 minutes).',
  });
}
