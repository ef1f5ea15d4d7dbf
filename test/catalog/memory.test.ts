import { describe, expect, test } from 'vitest';
import { type MemoryCatalog, memoryCatalog } from '../../src/catalog/memory/memory.ts';
import type { CatalogTable } from '../../src/catalog/port.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { catalogContract } from '../contract/catalog.ts';
import { stagedOf } from '../table/iceberg/sample.ts';

const name = (table: string) => ({ namespace: ['shop', 'eu'], table });

function empty(): { catalog: MemoryCatalog; storage: ReturnType<typeof memoryStorage> } {
  const storage = memoryStorage();
  return { catalog: memoryCatalog(storage.uri('warehouse'), async () => storage), storage };
}

catalogContract('memory', async () => {
  const { catalog } = empty();
  const open = async (table: string): Promise<CatalogTable> =>
    (await catalog.open(name(table), { purpose: 'write', createNamespace: true })) ?? expect.fail('no table');
  return { open, drop: async (table) => catalog.forget(name(table)) };
});

describe('a catalog in memory', () => {
  test('a namespace that is not there is made only when asked', async () => {
    const { catalog } = empty();
    expect(await catalog.open(name('t'), { purpose: 'read' })).toBeUndefined();
    await expect(catalog.open(name('t'), { purpose: 'write' })).rejects.toMatchObject({ code: 'CATALOG' });
    await catalog.open(name('t'), { purpose: 'write', createNamespace: true });
    expect(await catalog.namespaces()).toEqual([['shop', 'eu']]);
  });

  test('lists its tables, and takes in one that lies somewhere', async () => {
    const { catalog, storage } = empty();
    const there =
      (await catalog.open(name('a'), { purpose: 'write', createNamespace: true, location: storage.uri('x/y') })) ??
      expect.fail('no table');
    expect(there.folder).toBe('x/y');
    await icebergTable(there).commit(stagedOf('c-1'), undefined);
    const state = (await there.load()) ?? expect.fail('no table');
    await catalog.register(name('b'), state.metadataLocation);
    expect((await catalog.tables(['shop', 'eu'])).map((listed) => listed.name.table)).toEqual(['a', 'b']);
    const registered = (await catalog.open(name('b'), { purpose: 'read' })) ?? expect.fail('no table');
    expect(registered.folder).toBe('x/y');
    await expect(catalog.register(name('b'), state.metadataLocation)).rejects.toMatchObject({ code: 'CATALOG' });
  });
});
