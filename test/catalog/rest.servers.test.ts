import { expect } from 'vitest';
import type { Catalog, CatalogTable, OpenTableOptions } from '../../src/catalog/port.ts';
import { restCatalog } from '../../src/catalog/rest/catalog.ts';
import { openAnywhere } from '../../src/storage/anywhere.ts';
import { type CatalogUnderTest, catalogContract } from '../contract/catalog.ts';
import { JAVA, JAVA_21, NESSIE_JAR, REST_JARS, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startNessie } from '../servers/nessie.ts';
import { startRestCatalog } from '../servers/rest-catalog.ts';
import { startVersitygw } from '../servers/versitygw.ts';

const namespace = ['shop'];

function underTest(open: () => Catalog, uri: string, prefix: string, stop: () => Promise<void>): CatalogUnderTest {
  return {
    open: async (table, options: Partial<OpenTableOptions> = {}): Promise<CatalogTable> => {
      const name = { namespace, table };
      const opened = await open().open(name, { purpose: 'write', createNamespace: true, ...options });
      return opened ?? expect.fail('no table');
    },
    drop: async (table) => {
      const reply = await fetch(`${uri}/${prefix}/namespaces/shop/tables/${table}`, { method: 'DELETE' });
      expect(reply.status).toBe(204);
    },
    stop,
  };
}

const settings = (uri: string) => ({ type: 'rest', uri, auth: { kind: 'none' }, credentials: 'vended' }) as const;

serverOrSkip('the reference REST catalog', [JAVA, REST_JARS], () => {
  catalogContract('REST, reference', async () => {
    const server = await startRestCatalog();
    const open = () => restCatalog('ref', settings(server.uri), (uri) => openAnywhere(uri, { aws: {} }));
    return underTest(open, server.uri, 'v1', () => server.stop());
  });
});

serverOrSkip('Nessie', [JAVA_21, NESSIE_JAR, VERSITYGW], () => {
  catalogContract(
    'REST, Nessie',
    async () => {
      const s3 = await startVersitygw();
      const restore = useCredentials(s3);
      await makeBucket(s3, 'lake');
      const server = await startNessie(s3, 'lake');
      const aws = { region: 'us-east-1' };
      const open = () =>
        restCatalog('nessie', settings(server.uri), (uri, access) => openAnywhere(uri, { aws }, access));
      return underTest(open, server.uri, 'v1/main', async () => {
        await server.stop();
        await s3.stop();
        restore();
      });
    },
    { currentOnly: true },
  );
});
