import { DeleteTableCommand } from '@aws-sdk/client-glue';
import { expect } from 'vitest';
import { catalogContract } from '../../contract/catalog.ts';
import { MOTO, serverOrSkip } from '../../servers/available.ts';
import { startGlueWorld } from './world.ts';

serverOrSkip('Glue', [MOTO], () => {
  catalogContract('glue: moto behind a proxy that compares versions', async () => {
    const world = await startGlueWorld();
    const database = world.database();
    return {
      open: async (table) =>
        (await world.catalog().open({ namespace: [database], table }, { purpose: 'write', createNamespace: true })) ??
        expect.fail('no table'),
      drop: async (table) => {
        await world.client.send(new DeleteTableCommand({ DatabaseName: database, Name: table }));
      },
      stop: () => world.stop(),
    };
  });
});
