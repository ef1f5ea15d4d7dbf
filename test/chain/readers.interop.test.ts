/** Readers of the field on tables that windows were merged into: every row, value by value, against the model's items. */
import { describe, test } from 'vitest';
import { readPath } from '../../src/table/parquet/table.ts';
import { type ChainOptions, writeChain } from '../data/chain-model.ts';
import { FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { expectReadersAgree, type ReadTable } from '../interop/agree.ts';

const CHAINS: readonly (readonly [string, ChainOptions, LoadOptions])[] = [
  ['evolving', { seed: 21, keys: 300, windows: 8, writes: 200 }, {}],
  ['nasty', { seed: 22, keys: 120, windows: 4, writes: 60, nasty: true }, {}],
  [
    'by bucket',
    { seed: 23, keys: 200, windows: 5, writes: 150 },
    { partition: [{ transform: 'bucket', width: 3, column: 'pk' }] },
  ],
  [
    'number keys, sorted',
    { seed: 24, keys: 200, windows: 5, writes: 150, keyType: 'N' },
    { sort: [{ column: 'pk', descending: true, nullsFirst: false }] },
  ],
];

describe('merged tables', () => {
  test('Spark, PyIceberg, DuckDB and PyArrow agree with the items, in both formats', async () => {
    await using world = await World.open();
    const tables: ReadTable[] = [];
    for (const [name, chainOptions, options] of CHAINS) {
      const chain = await writeChain(`${world.dir}/${name}`, chainOptions);
      for (const format of FORMATS) {
        const target = world.target(format, name);
        await world.load(chain.dir, target, options);
        const { state } = await world.table(target);
        if (state === undefined) throw new Error('no table');
        const location = format === 'parquet' ? readPath(state) : state.location;
        const items = [...(chain.states.at(-1)?.values() ?? [])];
        tables.push({ name: `${name}, ${format}`, location, format, schema: state.schema, items, merged: true });
      }
    }
    await expectReadersAgree(tables);
  });
});
