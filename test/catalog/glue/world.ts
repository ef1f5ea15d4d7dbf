/** Glue for tests: moto behind the proxy that compares versions, and files in this process's memory. */
import { randomUUID } from 'node:crypto';
import { GlueClient } from '@aws-sdk/client-glue';
import { glueCatalog } from '../../../src/catalog/glue/catalog.ts';
import type { GlueLimits } from '../../../src/catalog/glue/limits.ts';
import type { Catalog, OpenFiles } from '../../../src/catalog/port.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { useCredentials } from '../../servers/buckets.ts';
import { type GlueProxy, startGlueProxy } from '../../servers/glue-proxy.ts';
import { startMoto } from '../../servers/moto.ts';

/** Patient enough for a busy machine, and quick where a test loses replies. */
export const QUICK: Partial<GlueLimits> = { backoffBaseMs: 2, backoffCapMs: 20, replyTimeoutMs: 5_000 };

interface Settings {
  readonly catalogId?: string;
  /** Undefined: the catalog has none. */
  readonly warehouse?: string | undefined;
}

export interface GlueWorld {
  readonly proxy: GlueProxy;
  readonly storage: Storage;
  /** Where a database that `open` makes has its tables. */
  readonly warehouse: string;
  /** A database name that no other test has. */
  database(): string;
  /** A catalog as another process would open it. */
  catalog(limits?: Partial<GlueLimits>, settings?: Settings): Catalog;
  /** Glue itself, for what others do there. */
  readonly client: GlueClient;
  stop(): Promise<void>;
}

export async function startGlueWorld(openFiles?: OpenFiles): Promise<GlueWorld> {
  const moto = await startMoto();
  const restore = useCredentials(moto);
  const proxy = await startGlueProxy(moto.endpoint);
  const storage = memoryStorage();
  const warehouse = storage.uri('warehouse');
  const aws = { region: 'us-east-1', endpoint: proxy.endpoint };
  const client = new GlueClient({ ...aws, maxAttempts: 1 });
  const catalogs: Catalog[] = [];
  return {
    proxy,
    storage,
    warehouse,
    database: () => `db_${randomUUID().slice(0, 8)}`,
    catalog: (limits = {}, settings = {}) => {
      const files = openFiles ?? (async () => storage);
      const { catalogId, warehouse: folder } = { warehouse, ...settings };
      const all = {
        type: 'glue' as const,
        aws,
        ...(catalogId === undefined ? {} : { catalogId }),
        ...(folder === undefined ? {} : { warehouse: folder }),
      };
      const catalog = glueCatalog('lake', all, files, { ...QUICK, ...limits });
      catalogs.push(catalog);
      return catalog;
    },
    client,
    stop: async () => {
      for (const catalog of catalogs) await catalog.close();
      client.destroy();
      await proxy.stop();
      await moto.stop();
      restore();
    },
  };
}

/** PyIceberg's properties for the same Glue. */
export function glueProperties({ proxy }: GlueWorld): Readonly<Record<string, string>> {
  return { type: 'glue', 'glue.endpoint': proxy.endpoint, 'glue.region': 'us-east-1', 's3.region': 'us-east-1' };
}
