/**
 * A Hive Metastore behind one or several addresses, which are tried in turn, the one that answered last first. Calls
 * that change nothing are repeated when their reply is lost; a change is sent once, because only who looks at the table
 * can tell whether it took place.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HiveColumn, HiveDatabase, HiveTable, LockElement } from './api.ts';
import { METHODS } from './api.ts';
import type { HiveLimits } from './limits.ts';
import { type Address, type Connection, Lost, openConnection } from './thrift/connection.ts';
import { type Method, Refusal } from './thrift/message.ts';

export type { HiveColumn, HiveDatabase, HiveTable, LockElement };

/** Who calls, where the Metastore is to know: files and tables become this user's. */
export interface HiveCaller {
  readonly user?: string;
}

export class HiveClient {
  readonly #addresses: readonly Address[];
  readonly #caller: HiveCaller;
  readonly #limits: HiveLimits;
  #first = 0;
  #connection: Connection | undefined;
  /** Calls wait for one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(addresses: readonly Address[], caller: HiveCaller, limits: HiveLimits) {
    this.#addresses = addresses;
    this.#caller = caller;
    this.#limits = limits;
  }

  /** A call that changes nothing, or does no harm when it is done twice. Throws Lost after some tries. */
  async ask<A, R>(method: Method<A, R>, args: A): Promise<R> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.change(method, args);
      } catch (thrown) {
        if (!(thrown instanceof Lost) || attempt >= this.#limits.callAttemptsMax) throw thrown;
      }
      await sleep(Math.min(this.#limits.backoffBaseMs * 2 ** attempt, this.#limits.backoffCapMs) * Math.random());
    }
  }

  /** A call that is sent at most once. Throws Lost, or the server's Refusal. */
  async change<A, R>(method: Method<A, R>, args: A): Promise<R> {
    const turn = this.#last.then(async () => {
      const connection = await this.#connected();
      try {
        return await connection.call(method, args);
      } finally {
        if (!connection.open) this.#forget();
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The next call begins with the next address. */
  #forget(): void {
    this.#connection = undefined;
    this.#first = (this.#first + 1) % this.#addresses.length;
  }

  async #connected(): Promise<Connection> {
    if (this.#connection?.open === true) return this.#connection;
    const reasons: string[] = [];
    for (const address of this.#inTurn()) {
      try {
        const connection = await openConnection(address, this.#limits);
        this.#first = this.#addresses.indexOf(address);
        if (this.#caller.user !== undefined)
          await connection.call(METHODS.setUgi, { user: this.#caller.user, groups: [] });
        this.#connection = connection;
        return connection;
      } catch (thrown) {
        if (thrown instanceof Refusal) throw thrown;
        reasons.push(`${address.host}:${address.port}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      }
    }
    throw new Lost(reasons.join('; '), false);
  }

  #inTurn(): readonly Address[] {
    return [...this.#addresses.slice(this.#first), ...this.#addresses.slice(0, this.#first)];
  }
}
