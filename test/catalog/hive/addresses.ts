import { createServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { HiveWorld } from './world.ts';

/** Addresses that answer, that do not, and that are no Metastore. */
export function hiveAddresses(name: string, worldOf: () => HiveWorld): void {
  describe(`addresses: ${name}`, () => {
    const listen = async (server: Server): Promise<string> => {
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return `thrift://127.0.0.1:${address.port}`;
    };
    const end = async (server: Server): Promise<unknown> => new Promise((done) => server.close(done));
    const quick = { connectTimeoutMs: 2_000, replyTimeoutMs: 500, callAttemptsMax: 2 } as const;

    test('several are tried in turn, and another one when the one in use is lost', async () => {
      const world = worldOf();
      await world.append('turns', 'c-1');
      const dead = 'thrift://127.0.0.1:9';
      const catalog = world.catalog({ uri: `${dead},${world.proxy.uri} ${world.server.uri}` });
      const ours = await world.table('turns', catalog);
      expect(world.proxy.calls.length).toBeGreaterThan(0);
      world.proxy.fault('get_table_req', 'lose the call');
      const before = world.proxy.calls.length;
      expect(await world.append('turns', 'c-2', ours)).toMatchObject({ kind: 'committed' });
      expect(world.proxy.calls.length).toBe(before + 1);
    });

    test('fault 20: none answers: UNREACHABLE, with each of them', async () => {
      const world = worldOf();
      const silent = createTcpServer((socket) => socket.resume());
      const web = createServer((_, reply) => reply.end('<html>'));
      try {
        const uris = ['thrift://127.0.0.1:9', await listen(silent), await listen(web)];
        const name = { namespace: [world.database], table: 't' };
        for (const [index, told] of [/ECONNREFUSED/, /no reply within 500 ms/, /HTTP|closed|begins with/].entries()) {
          const catalog = world.catalog({ uri: uris[index] ?? '' }, quick);
          await expect(catalog.open(name, { purpose: 'read' })).rejects.toMatchObject({
            code: 'UNREACHABLE',
            message: expect.stringMatching(told),
            hint: expect.stringContaining('Thrift'),
          });
        }
        const unknown = world.catalog({ uri: 'thrift://127.0.0.1:9,thrift://no-such-host.invalid:9083' }, quick);
        await expect(unknown.namespaces()).rejects.toMatchObject({
          message: expect.stringMatching(/127\.0\.0\.1:9: .*; no-such-host\.invalid:9083: /),
        });
      } finally {
        await Promise.all([end(silent), end(web)]);
      }
    });

    test('the Metastore is told who calls', async () => {
      const world = worldOf();
      const catalog = world.catalog({ user: 'etl', uri: world.proxy.uri });
      await world.append('owned', 'c-1', await world.table('owned', catalog));
      expect(world.proxy.calls).toContain('set_ugi');
      expect((await world.entry('owned')).owner).toBe('etl');
    });
  });
}
