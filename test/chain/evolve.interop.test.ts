/** Readers of the field on tables whose columns were changed on request: every row, value by value, now and as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import { readPath } from '../../src/table/parquet/table.ts';
import { type Chain, writeChain } from '../data/chain-model.ts';
import { FORMATS, folderOf, type LoadOptions, World } from '../faults/load.ts';
import { compareRows, expectReadersAgree, type ReadTable } from '../interop/agree.ts';
import { type ReadRequest, readersOf, readTables } from '../interop/readers.ts';
import { python } from '../toolchain/tools.ts';

const SCRIPTS: Readonly<Record<string, readonly (readonly ColumnChange[])[]>> = {
  types: [
    [{ column: 'qty', type: 'decimal(20,2)' }],
    [{ column: 'price', type: 'decimal(38,4)' }],
    [{ column: 'name', type: 'json' }],
    [
      { column: 'address', type: 'ddb-json' },
      { column: 'price', type: 'string' },
    ],
    [{ column: 'address', type: 'auto' }],
    [{ unrescue: true }],
  ],
  split: [
    [{ column: 'address.city', type: 'ddb-json' }],
    [{ column: 'price', type: 'double' }],
    [],
    [{ column: 'qty', type: 'decimal(38,4)' }],
    [{ column: 'qty', split: true }],
    [{ column: 'note', type: 'auto' }],
  ],
};
/** The one that changes, and the key. */
const PARTITIONS: Readonly<Record<string, LoadOptions>> = {
  types: { partition: [{ transform: 'truncate', width: 10, column: 'price' }] },
  split: { partition: [{ transform: 'bucket', width: 3, column: 'pk' }] },
};

interface Past {
  readonly request: ReadRequest;
  readonly table: ReadTable;
}

describe.skipIf(python === undefined)('tables whose columns were changed', () => {
  let world: World;
  const tables: ReadTable[] = [];
  const past: Past[] = [];

  beforeAll(async () => {
    world = await World.open();
    const chain = await writeChain(`${world.dir}/source`, { seed: 31, keys: 150, windows: 5, writes: 90 });
    for (const [script, changes] of Object.entries(SCRIPTS))
      for (const [layout, options] of Object.entries({ plain: {}, partitioned: PARTITIONS[script] ?? {} }))
        for (const format of FORMATS) {
          const target = world.target(format, `${script}-${layout}`);
          await evolveAlong(chain, target, changes, options);
          const { state } = await world.table(target);
          if (state === undefined) throw new Error('no table');
          const location = format === 'parquet' ? readPath(state) : state.location;
          const items = [...(chain.states.at(-1)?.values() ?? [])];
          tables.push({
            name: `${script}, ${layout}, ${format}`,
            location,
            format,
            schema: state.schema,
            items,
            merged: true,
          });
        }
  }, 600_000);
  afterAll(() => world[Symbol.asyncDispose]());

  async function evolveAlong(
    chain: Chain,
    target: string,
    script: readonly (readonly ColumnChange[])[],
    options: LoadOptions,
  ): Promise<void> {
    for (const [step, one] of [chain.full, ...chain.windows].entries()) {
      await world.load(one?.exportDir ?? '', target, options);
      await remember(chain, target, step);
      const changes = script[step] ?? [];
      if (changes.length === 0) continue;
      const report = await world.evolve(target, changes, { allowRescue: true });
      expect(report.error).toBeUndefined();
      await remember(chain, target, step);
    }
  }

  async function remember(chain: Chain, target: string, step: number): Promise<void> {
    const { state } = await world.table(target);
    if (state?.format !== 'iceberg' || state.snapshot === undefined) return;
    const { snapshot } = state;
    const schema: TableSchema = state.schema;
    const items = [...(chain.states[step]?.values() ?? [])];
    const location = folderOf(target);
    past.push({
      request: { location, format: 'iceberg', snapshot },
      table: { name: `${target} at ${step}`, location, format: 'iceberg', schema, items, merged: true },
    });
  }

  test('Spark, PyIceberg, DuckDB and PyArrow agree with the items, in both formats', { timeout: 600_000 }, async () => {
    await expectReadersAgree(tables);
  });

  test.each(readersOf('iceberg'))(
    '%s reads every older snapshot by the columns that it had',
    { timeout: 600_000 },
    async (reader) => {
      const rows = await readTables(
        reader,
        past.map(({ request }) => request),
      );
      const faults = past.flatMap(({ table }, i) => compareRows(reader, table, rows[i] ?? []));
      expect(faults.slice(0, 8)).toEqual([]);
    },
  );
});
