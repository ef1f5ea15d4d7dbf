import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type HiveTable, METHODS } from '../../../src/catalog/hive/api.ts';
import type { Catalog, OpenShownOptions } from '../../../src/catalog/port.ts';
import type { ShownState, ShownTable } from '../../../src/catalog/shown/port.ts';
import type { HiveWorld } from './world.ts';

/** Entries of Parquet tables. What is the same for Glue is tried there (test/catalog/glue/shown.servers.test.ts). */
export function hiveShown(name: string, worldOf: () => HiveWorld): void {
  describe(`Parquet tables: ${name}`, () => {
    let world: HiveWorld;
    let tables = 0;
    beforeAll(() => {
      world = worldOf();
    });

    const next = (): string => {
      tables += 1;
      return `p${tables}`;
    };
    const opened = async (
      table: string,
      catalog: Catalog = world.catalog(),
      options: Partial<OpenShownOptions> = {},
    ): Promise<ShownTable> => {
      const full = { namespace: [world.database], table };
      const there = await catalog.openShown?.(full, { purpose: 'write', createNamespace: true, ...options });
      return there ?? expect.fail('no table');
    };
    const proxied = (table: string, limits = {}): Promise<ShownTable> =>
      opened(table, world.catalog({ uri: world.proxy.uri }, limits));
    const stateOf = (table: ShownTable, generation: string, values?: readonly string[], key = 'region_part') => {
      const folder = `${table.location}/${generation}`;
      return {
        generation,
        folder,
        columns: [
          { name: 'pk', type: 'string' },
          { name: 'Lines', type: 'array<struct<sku:string,qty:bigint>>', comment: 'attribute lines, L' },
        ],
        partitionKeys: values === undefined ? [] : [key],
        partitions: (values ?? []).map((value) => ({
          values: [value],
          labels: [value],
          folder: `${folder}/${key}=${value}`,
        })),
      } satisfies ShownState;
    };
    const plain = (uri: string | undefined): string => (uri ?? '').replace(/^file:(?:\/\/)?(?=\/)/, '');
    const partitions = async (table: string): Promise<Readonly<Record<string, string>>> => {
      const at = { database: world.database, table };
      const names = await world.client.ask(METHODS.partitionNames, at);
      const found = names.length === 0 ? [] : await world.client.ask(METHODS.partitions, { ...at, names });
      return Object.fromEntries(found.map(({ values, sd }) => [values?.join('/') ?? '', plain(sd?.location)]));
    };
    const folders = (state: ShownState): Readonly<Record<string, string>> =>
      Object.fromEntries(state.partitions.map(({ values, folder }) => [values.join('/'), folder]));
    const many = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `r${from + n}`);
    const calls = (): Readonly<Record<string, number>> => {
      const all: Record<string, number> = {};
      for (const call of world.proxy.calls.splice(0)) all[call] = (all[call] ?? 0) + 1;
      return all;
    };
    const shownOf = ({ parameters }: HiveTable): unknown => parameters?.['tailrace.generation'];

    test('fault 17: a table without partitions moves with one change of its entry', async () => {
      const table = next();
      const shown = await proxied(table);
      await shown.show(stateOf(shown, 'g-1'));
      expect(await world.entry(table)).toMatchObject({
        tableType: 'EXTERNAL_TABLE',
        owner: expect.stringMatching(/./),
        partitionKeys: [],
        parameters: { EXTERNAL: 'TRUE', 'tailrace.generation': 'g-1', 'tailrace.location': shown.location },
        sd: {
          cols: [
            { name: 'pk', type: 'string' },
            { name: 'lines', type: 'array<struct<sku:string,qty:bigint>>', comment: 'attribute lines, L' },
          ],
          inputFormat: expect.stringContaining('Parquet'),
          serdeInfo: { serializationLib: expect.stringContaining('ParquetHiveSerDe') },
        },
      });
      calls();
      await shown.show(stateOf(shown, 'g-2'));
      expect(calls()).toMatchObject({ [METHODS.alterTable.name]: 1, [METHODS.lock.name]: 1 });
      expect(plain((await world.entry(table)).sd?.location)).toBe(join(shown.location, 'g-2'));
      await shown.show(stateOf(shown, 'g-2'));
      expect(calls()).toEqual({ [METHODS.table.name]: 1 });
      expect(await world.locks(table)).toBe(0);
      expect(await world.catalog().tables([world.database])).toContainEqual({
        name: { namespace: [world.database], table },
        format: 'parquet',
      });
    });

    test('partitions come, move and go in batches, and only those that differ', async () => {
      const table = next();
      const shown = await proxied(table);
      const first = stateOf(shown, 'g-1', many(0, 130));
      calls();
      await shown.show(first);
      expect(calls()).toMatchObject({ [METHODS.addPartitions.name]: 2, [METHODS.alterTable.name]: 1 });
      expect(await partitions(table)).toEqual(folders(first));
      const second = stateOf(shown, 'g-2', many(20, 150));
      await shown.show(second);
      const { addPartitions, alterPartitions, dropPartition } = METHODS;
      expect(calls()).toMatchObject({ [addPartitions.name]: 1, [alterPartitions.name]: 2, [dropPartition.name]: 20 });
      expect(await partitions(table)).toEqual(folders(second));
      // No more than is needed when it shows already.
      await shown.show(second);
      expect(calls()).toEqual({ [METHODS.table.name]: 1 });
    });

    test('fault 17: cut off among its partitions, the next run completes it, and touches only what is missing', async () => {
      const table = next();
      const shown = await proxied(table, { callAttemptsMax: 1 });
      await shown.show(stateOf(shown, 'g-1', many(0, 130)));
      const state = stateOf(shown, 'g-2', many(0, 130));
      let batches = 0;
      const again = (): void =>
        world.proxy.before(METHODS.alterPartitions.name, async () => {
          batches += 1;
          if (batches === 1) again();
          else world.proxy.fault(METHODS.alterPartitions.name, 'lose the call');
        });
      again();
      await expect(shown.show(state)).rejects.toMatchObject({ code: 'UNREACHABLE' });
      expect(shownOf(await world.entry(table))).toBeUndefined();
      calls();
      await (await proxied(table)).show(state);
      expect(calls()).toMatchObject({ [METHODS.alterPartitions.name]: 1 });
      expect(await partitions(table)).toEqual(folders(state));
      expect(shownOf(await world.entry(table))).toBe('g-2');
      expect(await world.locks(table)).toBe(0);
    });

    test('faults 1, 20: lost replies end in the state', async () => {
      const { createTable, alterTable, addPartitions, alterPartitions, dropPartition, partitions: listed } = METHODS;
      for (const { name: call } of [createTable, alterTable, addPartitions, alterPartitions, dropPartition, listed]) {
        const table = next();
        const shown = await proxied(table);
        world.proxy.fault(call, 'lose the reply');
        for (const state of [stateOf(shown, 'g-1', ['a', 'b']), stateOf(shown, 'g-2', ['b', 'c'])]) {
          await shown.show(state);
          expect([call, await partitions(table)]).toEqual([call, folders(state)]);
          expect([call, shownOf(await world.entry(table))]).toEqual([call, state.generation]);
        }
        expect([call, await world.locks(table)]).toEqual([call, 0]);
      }
    });

    test('faults 11, 14: of two runs that show at once none leaves a mixture', async () => {
      const table = next();
      const shown = await proxied(table);
      await shown.show(stateOf(shown, 'g-1', ['a', 'b']));
      const [older, newer] = [stateOf(shown, 'g-2', ['a', 'b']), stateOf(shown, 'g-3', ['b', 'c'])];
      world.proxy.before(METHODS.alterPartitions.name, async () => (await opened(table)).show(newer));
      await shown.show(older);
      expect(await partitions(table)).toEqual(folders(older));
      expect(shownOf(await world.entry(table))).toBe('g-2');
    });

    test('a table that is partitioned otherwise, or no more, is made anew under its name, as it was', async () => {
      const table = next();
      const shown = await opened(table);
      await shown.show(stateOf(shown, 'g-1', ['a', 'b']));
      await world.change(table, (entry) => ({ ...entry, parameters: { ...entry.parameters, team: 'shop' } }));
      const days = stateOf(shown, 'g-2', ['2026-03-01'], 'at_day');
      await shown.show(days);
      expect(await partitions(table)).toEqual(folders(days));
      expect(await world.entry(table)).toMatchObject({
        partitionKeys: [{ name: 'at_day', type: 'string' }],
        parameters: { team: 'shop' },
      });
      await shown.show(stateOf(shown, 'g-3'));
      expect(await partitions(table)).toEqual({});
      expect((await world.entry(table)).partitionKeys).toEqual([]);
    });

    test('columns of other types take the places of older ones; comments of others stay', async () => {
      const table = next();
      const shown = await opened(table);
      await shown.show(stateOf(shown, 'g-1', ['a']));
      await world.change(table, (entry) => ({
        ...entry,
        sd: { ...entry.sd, cols: (entry.sd?.cols ?? []).map((column) => ({ ...column, comment: 'seen' })) },
      }));
      const columns = [
        { name: 'pk', type: 'bigint' },
        { name: 'more', type: 'string' },
      ];
      await shown.show({ ...stateOf(shown, 'g-2', ['a', 'b']), columns });
      expect((await world.entry(table)).sd?.cols).toMatchObject([
        { name: 'pk', type: 'bigint', comment: 'seen' },
        { name: 'more', type: 'string' },
      ]);
    });

    test("fault 19: somebody else's table under the name is refused, before and between; projection always", async () => {
      const table = next();
      await world.append(table, 'c-1');
      await expect(opened(table)).rejects.toMatchObject({ code: 'TARGET_BAD', found: 'iceberg' });
      const own = next();
      const shown = await opened(own);
      await shown.show(stateOf(shown, 'g-1'));
      await world.change(own, (entry) => ({
        ...entry,
        parameters: { ...entry.parameters, 'tailrace.location': '/elsewhere' },
      }));
      await expect(shown.show(stateOf(shown, 'g-2'))).rejects.toMatchObject({ code: 'TARGET_BAD' });
      await expect(opened(own, undefined, { projection: true })).rejects.toMatchObject({ code: 'USAGE' });
      const none = { namespace: [world.database], table: 'none' };
      expect(await world.catalog().openShown?.(none, { purpose: 'read' })).toBeUndefined();
    });
  });
}
