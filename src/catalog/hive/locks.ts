/** The locks that a Metastore knows of a table, and those among them that nobody holds any more. */
import { LOCK_STATE, type LockElement, METHODS } from './api.ts';
import type { HiveClient } from './client.ts';
import type { HiveName } from './names.ts';
import { lockLifeMs } from './server.ts';

/** Held ones and those that are waited for. */
export async function locksOf(client: HiveClient, name: HiveName): Promise<readonly LockElement[]> {
  const request = { dbname: name.database, tablename: name.table };
  return (await client.ask(METHODS.showLocks, { request })).locks ?? [];
}

/**
 * Ends locks before ours that the Metastore has not heard of for its own `metastore.txn.timeout`. Its housekeeping does
 * so, too; but Hive 3 runs none unless `metastore.compactor.initiator.on` is set, and then a dead process would lock a
 * table for ever. All times are the Metastore's; ours is of this moment, because it has just heard of us.
 */
export async function endDeadLocks(client: HiveClient, name: HiveName, ownAgent: string): Promise<void> {
  const locks = await locksOf(client, name);
  const now = locks.find(({ agentInfo }) => agentInfo === ownAgent)?.lastheartbeat;
  const lifeMs = now === undefined ? undefined : await lockLifeMs(client);
  if (now === undefined || lifeMs === undefined) return;
  for (const { lockid, lastheartbeat: heard = 0n, txnid = 0n } of locks) {
    if (lockid === undefined || txnid !== 0n || heard === 0n || now - heard <= BigInt(lifeMs)) continue;
    await client.ask(METHODS.unlock, { request: { lockid } }).catch(() => undefined);
  }
}

/** Who holds the table's lock, as text; undefined: nobody but us. */
export async function holderOf(client: HiveClient, name: HiveName, ownAgent: string): Promise<string | undefined> {
  const locks = await locksOf(client, name).catch(() => []);
  const holder = locks.find(({ state, agentInfo }) => state === LOCK_STATE.acquired && agentInfo !== ownAgent);
  if (holder === undefined) return undefined;
  const { lockid, user, hostname, agentInfo, acquiredat, lastheartbeat } = holder;
  const heard = lastheartbeat === undefined || lastheartbeat === 0n ? '' : `, last heard of ${isoOf(lastheartbeat)}`;
  return `lock ${lockid} of ${user}@${hostname} (${agentInfo ?? 'unnamed'}), held since ${isoOf(acquiredat)}${heard}`;
}

function isoOf(ms: bigint | undefined): string {
  return ms === undefined ? 'an unknown time' : new Date(Number(ms)).toISOString();
}
