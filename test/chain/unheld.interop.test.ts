/** Columns that were only NULL until a window brought values: older files hold another column of that name, without any. */
import { expect, test } from 'vitest';
import { readPath } from '../../src/table/parquet/table.ts';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS, folderOf, World } from '../faults/load.ts';
import { compareRows, expectReadersAgree, type ReadTable } from '../interop/agree.ts';
import { readersOf, readTables } from '../interop/readers.ts';
import { items, type Put, writeSteps } from './steps.ts';

const NULL = { NULL: true } as const;
const struct = (more: DdbItem) => ({ M: { a: { S: 'a' }, ...more } });
/** Every other item has no NULL, so that its columns are all that tells of it. */
const before = (i: number): DdbItem =>
  i % 2 === 0
    ? {
        bare: NULL,
        list: { L: [NULL] },
        deep: { L: [struct({ x: NULL })] },
        s: struct({ x: NULL }),
        one: { M: { x: NULL } },
      }
    : { list: { L: [] }, deep: { L: [struct({}), struct({})] }, s: struct({}) };
const FIRST: readonly Put[] = items(20, before);
const VALUES: readonly Put[] = items(
  10,
  (i) => ({
    bare: { N: String(i) },
    list: { L: [{ N: '1.5' }, { N: String(i) }] },
    deep: { L: [struct({ x: { N: String(i) } })] },
    s: struct({ x: { SS: ['a', `b${i}`] } }),
    one: { M: { x: { B: 'AA==' } } },
  }),
  15,
);
const WIDER: readonly Put[] = items(2, (i) => ({ bare: { N: `${i}.25` } }), 40);

test('Spark, PyIceberg, DuckDB and PyArrow read the columns as they are now, and an older snapshot as it was', async () => {
  await using world = await World.open();
  const { exports } = await writeSteps(`${world.dir}/source`, FIRST, [VALUES, WIDER]);
  const tables: ReadTable[] = [];
  const olders: (ReadTable & { readonly snapshot: string })[] = [];
  for (const format of FORMATS) {
    for (const step of [1, 2]) {
      const target = world.target(format, `t${step}`);
      const reports = [];
      for (const dir of exports.slice(0, step)) reports.push(await world.load(dir, target));
      const first = await world.table(target);
      reports.push(await world.load(exports[step] ?? '', target));
      const { state } = await world.table(target);
      if (state === undefined || first.state === undefined) throw new Error('no table');
      expect(state.schema.columns.find(({ name }) => name === 'bare')?.type.kind).toBe(step === 1 ? 'long' : 'decimal');
      const location = format === 'parquet' ? readPath(state) : state.location;
      const held = itemsBehind(step);
      const table = {
        name: `${format} ${step}`,
        location,
        format,
        schema: state.schema,
        items: held,
        merged: true,
      } as const;
      const keeps = ({ bare }: DdbItem): boolean => (bare as { N?: string } | undefined)?.N === '18';
      tables.push(table);
      if (step === 1 && format === 'iceberg')
        tables.push({ ...table, name: `${format}, filtered`, filter: { sql: 'bare = 18', keeps } });
      if (format === 'parquet') continue;
      const older = {
        ...table,
        name: `${table.name}, before`,
        schema: first.state.schema,
        items: itemsBehind(step - 1),
      };
      olders.push({ ...older, location: folderOf(target), snapshot: reports.at(-2)?.snapshot ?? '' });
    }
  }
  await expectReadersAgree(tables);
  for (const reader of readersOf('iceberg')) {
    const rows = await readTables(
      reader,
      olders.map(({ location, format, snapshot }) => ({ location, format, snapshot })),
    );
    expect(olders.flatMap((table, i) => compareRows(reader, table, rows[i] ?? []))).toEqual([]);
  }
}, 600_000);

function itemsBehind(step: number): DdbItem[] {
  const state = new Map(
    [FIRST, VALUES, WIDER]
      .slice(0, step + 1)
      .flat()
      .map((item) => [item.pk.S, item] as const),
  );
  return [...state.values()];
}
