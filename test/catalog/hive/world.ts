/** A Hive Metastore for tests, what others do in it, and a proxy that loses calls before it. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type HiveTable, LOCK_EXCLUSIVE, METHODS } from '../../../src/catalog/hive/api.ts';
import { hiveCatalog } from '../../../src/catalog/hive/catalog.ts';
import { HiveClient } from '../../../src/catalog/hive/client.ts';
import { HIVE_LIMITS, type HiveLimits } from '../../../src/catalog/hive/limits.ts';
import { locksOf } from '../../../src/catalog/hive/locks.ts';
import type { Method } from '../../../src/catalog/hive/thrift/message.ts';
import { bool, string, struct } from '../../../src/catalog/hive/thrift/types.ts';
import type { Catalog, CatalogTable, OpenFiles } from '../../../src/catalog/port.ts';
import type { HiveSettings } from '../../../src/model/catalog.ts';
import type { CommitOutcome, StagedCommit, TableHandle } from '../../../src/model/table.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import type { HiveServer } from '../../servers/hive.ts';
import { startThriftProxy, type ThriftProxy } from '../../servers/thrift-proxy.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';

/** Quick where a test loses replies. */
export const QUICK: Partial<HiveLimits> = {
  backoffBaseMs: 10,
  backoffCapMs: 100,
  lockTimeoutMs: 40_000,
  deadLocksEveryMs: 500,
};

const dropTable: Method<{ database?: string; table?: string; withData?: boolean }, undefined> = {
  name: 'drop_table',
  args: struct({ database: [1, string], table: [2, string], withData: [3, bool] }),
  exceptions: ['NoSuchObjectException', '', 'MetaException'],
};

export class HiveWorld {
  readonly server: HiveServer;
  readonly proxy: ThriftProxy;
  readonly database = `db_${randomUUID().slice(0, 8)}`;
  /** What others do. */
  readonly client: HiveClient;
  readonly #catalogs: Catalog[] = [];

  private constructor(server: HiveServer, proxy: ThriftProxy) {
    this.server = server;
    this.proxy = proxy;
    this.client = new HiveClient([{ host: '127.0.0.1', port: server.port }], {}, HIVE_LIMITS);
  }

  static async start(server: HiveServer): Promise<HiveWorld> {
    return new HiveWorld(server, await startThriftProxy(server.port));
  }

  /** A catalog as another process would open it. */
  catalog(
    settings: Partial<HiveSettings> = {},
    limits: Partial<HiveLimits> = {},
    openFiles: OpenFiles = async () => localStorage('/'),
  ): Catalog {
    const all = { type: 'hive' as const, uri: this.server.uri, warehouse: this.server.warehouse, ...settings };
    const catalog = hiveCatalog('lake', all, openFiles, { ...QUICK, ...limits });
    this.#catalogs.push(catalog);
    return catalog;
  }

  async table(name: string, catalog = this.catalog()): Promise<CatalogTable> {
    const options = { purpose: 'write', createNamespace: true } as const;
    return (await catalog.open({ namespace: [this.database], table: name }, options)) ?? expect.fail('no table');
  }

  /** The table as a run that goes through the proxy has it. */
  async proxied(name: string, limits: Partial<HiveLimits> = {}): Promise<CatalogTable> {
    return this.table(name, this.catalog({ uri: this.proxy.uri }, limits));
  }

  /** One file more, by a writer that looks at the table anew. */
  async append(name: string, commitId: string, through?: CatalogTable): Promise<CommitOutcome> {
    return appendTo(icebergTable(through ?? (await this.table(name))), commitId);
  }

  async files(name: string): Promise<readonly string[]> {
    const files = await icebergTable(await this.table(name)).dataFiles();
    return files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).sort();
  }

  async entry(name: string): Promise<HiveTable> {
    const reply = await this.client.ask(METHODS.table, { req: { dbName: this.database, tblName: name } });
    return reply.table ?? expect.fail('no entry');
  }

  /** Changes the entry as a tool does that knows nothing of Iceberg. */
  async change(name: string, change: (entry: HiveTable) => HiveTable): Promise<void> {
    const table = change(await this.entry(name));
    await this.client.change(METHODS.alterTable, { database: this.database, name, table, context: {} });
  }

  async drop(name: string): Promise<void> {
    await this.client.change(dropTable, { database: this.database, table: name, withData: false });
  }

  /** Takes the table's lock, and is never heard of again. */
  async lock(name: string, agentInfo = 'somebody'): Promise<bigint> {
    const component = [{ ...LOCK_EXCLUSIVE, dbname: this.database, tablename: name }];
    const request = { component, user: 'ghost', hostname: 'elsewhere', agentInfo };
    const { lockid, state } = await this.client.change(METHODS.lock, { request });
    expect(state).toBe(1);
    return lockid ?? expect.fail('no lock');
  }

  /** How many locks of the table there are, whoever holds them. */
  async locks(name: string): Promise<number> {
    return (await locksOf(this.client, { database: this.database, table: name })).length;
  }

  async unlockAll(name: string): Promise<void> {
    for (const { lockid } of await locksOf(this.client, { database: this.database, table: name }))
      await this.client.change(METHODS.unlock, { request: { lockid: lockid ?? 0n } });
  }

  async stop(): Promise<void> {
    for (const catalog of this.#catalogs) await catalog.close();
    this.client.close();
    await this.proxy.stop();
    await this.server.stop();
  }
}

/** A first commit, or one file more on what is there. */
export async function appendTo(
  table: TableHandle,
  commitId: string,
  more: Partial<StagedCommit> = {},
): Promise<CommitOutcome> {
  const base = await table.load();
  const files = [fileOf(join(table.location, 'data', `${commitId}.parquet`))];
  const change: Partial<StagedCommit> = { operation: base === undefined ? 'create' : 'merge', files };
  return table.commit(stagedOf(commitId, { ...change, timestampMs: Date.now(), ...more }), base);
}
