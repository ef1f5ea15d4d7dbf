import { fileTable } from '../../src/catalog/files/table.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { catalogContract } from '../contract/catalog.ts';

catalogContract('files', async () => {
  const storage = memoryStorage();
  return {
    open: async (table) => fileTable(storage, table),
    drop: async (table) => {
      for await (const { key } of storage.list(`${table}/`)) await storage.delete(key);
    },
  };
});
