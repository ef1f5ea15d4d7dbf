import { expect, test } from 'vitest';
import { item, PARTITIONS, Shop, shopItems } from '../chain/parquet.ts';
import type { LoadOptions, World } from '../faults/load.ts';
import type { Trino } from '../servers/trino.ts';
import { compareRows } from './agree.ts';
import { readByTrino } from './trino.ts';

const TABLES: Readonly<Record<string, LoadOptions>> = {
  plain: {},
  parted: { partition: PARTITIONS },
};

/** Parquet tables with an entry in the Metastore `lab`, read by their names in the catalog `parquet` after each window. */
export function tryParquet(of: () => { readonly world: World; readonly trino: Trino }): void {
  const items = shopItems(30).map((each, n) => ({
    ...each,
    address: { M: { city: { S: `city ${n % 3}` }, geo: { M: { lat: { N: `${n}.25` } } } } },
    tags: { SS: ['all', `t${n}`] },
    big: { N: '12345678901234567890123456789.5' },
    flag: { BOOL: n % 2 === 0 },
    blob: { B: Buffer.from(`bytes ${n}`).toString('base64') },
  }));

  test.each(Object.keys(TABLES))(
    'fault 17: a Parquet table by its name, %s: value by value after each window',
    async (table) => {
      const { world, trino } = of();
      const shop = new Shop(world, `parquet-${table}`);
      const name = `parquet:lab.files.${table}`;
      const agree = async (): Promise<void> => {
        const { state } = await world.table(name);
        const { schema, location } = state ?? expect.fail('no table');
        const rows = await readByTrino(trino, `parquet.files.${table}`, schema);
        const read = { name, location, format: 'parquet' as const, schema, items: shop.items, merged: true as const };
        expect(compareRows('trino', read, rows).slice(0, 8)).toEqual([]);
      };
      await world.load(await shop.full(items), name, TABLES[table]);
      await agree();
      await world.load(await shop.window({ k1: item('k1', 2, { fresh: { S: 'x' } }), k2: undefined }), name);
      await agree();
    },
  );
}
