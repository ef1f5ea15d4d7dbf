import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { OpenFiles } from '../../src/catalog/port.ts';
import type { RestSettings } from '../../src/model/catalog.ts';
import { World } from '../faults/load.ts';
import { evolveBetween } from './evolve.ts';
import { FakeCatalog } from './rest/fake.ts';

const rest = (uri: string): RestSettings => ({ type: 'rest', uri, auth: { kind: 'none' }, credentials: 'own' });

test('columns change in a REST catalog', async () => {
  await using world = await World.open();
  const catalog = new FakeCatalog(join(world.dir, 'warehouse'));
  const proxy = await catalog.start();
  try {
    world.always = { catalogs: { lab: rest(proxy.uri) } };
    await evolveBetween(world, 'source', 'iceberg:lab.shop.orders');
  } finally {
    await catalog.stop();
  }
});

test('columns change in a catalog in memory', async () => {
  await using world = await World.open();
  const { memoryCatalog } = await import('../../src/catalog/memory/memory.ts');
  const module = await import('../../src/catalog/rest/catalog.ts');
  let catalog: ReturnType<typeof memoryCatalog> | undefined;
  const open = (...[, , files]: unknown[]): never => {
    catalog ??= memoryCatalog(join(world.dir, 'warehouse'), files as OpenFiles);
    return catalog as never;
  };
  expect(module.restCatalog).toBeTypeOf('function');
  inMemory.open = open;
  try {
    world.always = { catalogs: { lab: rest('http://nobody') } };
    await evolveBetween(world, 'source', 'iceberg:lab.shop.orders');
  } finally {
    inMemory.open = undefined;
  }
});

/** Settings know no catalog in memory: it takes the place of one that they know. */
const inMemory = vi.hoisted(() => ({ open: undefined as ((...args: unknown[]) => never) | undefined }));
vi.mock('../../src/catalog/rest/catalog.ts', async (original) => {
  const module = await original<typeof import('../../src/catalog/rest/catalog.ts')>();
  const restCatalog: typeof module.restCatalog = (...args) =>
    inMemory.open === undefined ? module.restCatalog(...args) : inMemory.open(...args);
  return { ...module, restCatalog };
});
