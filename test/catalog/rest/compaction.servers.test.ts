import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smallChain } from '../../crash/chain.ts';
import { World } from '../../faults/load.ts';
import { PYTHON, serverOrSkip } from '../../servers/available.ts';
import { startRestProxy } from '../../servers/rest-proxy.ts';
import { PyIceberg } from '../beside.ts';
import { REAL } from './running.ts';

// A catalog that rewrites data files by itself, as S3 Tables does, whenever it likes: here at the moment of our commit.

serverOrSkip('a REST catalog that compacts', [...REAL.reference.needs, PYTHON], () => {
  test.each(['merge-on-read', 'copy-on-write'] as const)(
    'fault 14: between match and commit of a window (%s): what the position deletes named is gone, and they are staged anew',
    async (write) => {
      const server = await REAL.reference.start();
      await using world = await World.open();
      const proxy = await startRestProxy(server.uri);
      const py = await new PyIceberg({ type: 'rest', uri: server.uri, ...server.properties }).ready();
      try {
        world.always = {
          catalogs: { lab: { type: 'rest', uri: proxy.uri, auth: { kind: 'none' }, credentials: 'vended' } },
        };
        const chain = await smallChain(join(world.dir, 'chain'));
        const target = 'iceberg:lab.shop.orders';
        await world.load(chain.exports[0]?.exportDir ?? '', target, { createNamespace: true });
        const answers: number[] = [];
        proxy.lie = async ({ method, path }, pass) => {
          if (method !== 'POST' || !path.endsWith('/tables/orders')) return pass();
          if (answers.length === 0) await py.ask({ compact: 'shop.orders' });
          const answer = await pass();
          answers.push(answer.status);
          return answer;
        };
        await world.load(chain.exports[1]?.exportDir ?? '', target, { write, upkeep: false });
        expect(answers).toEqual([409, 200]);
        const keys = [...(chain.states[1]?.values() ?? [])].map(({ pk }) => [pk?.['S']]).sort();
        expect(await py.ask({ rows: 'shop.orders', columns: ['pk'] })).toEqual(keys);
      } finally {
        await py.end();
        await proxy.stop();
        await server.stop();
      }
    },
  );
});
