import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HiveStorage, type HiveTable, METHODS } from '../../../src/catalog/hive/api.ts';
import { hiveCatalog } from '../../../src/catalog/hive/catalog.ts';
import type { IcebergField, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import type { CatalogOutcome } from '../../../src/catalog/port.ts';
import { openAnywhere } from '../../../src/storage/anywhere.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable, openIcebergTable } from '../../../src/table/iceberg/open.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { startVersitygw } from '../../servers/versitygw.ts';
import { everyType, field, string } from '../../table/iceberg/sample.ts';
import { appendTo, type HiveWorld } from './world.ts';

const ITEM = { required: false, type: 'string' } as const;

/** What a Metastore holds of our tables, of others', and of their databases. */
export function hiveEntries(name: string, worldOf: () => HiveWorld): void {
  describe(`entries: ${name}`, () => {
    let tables = 0;
    const started = async (): Promise<{ readonly world: HiveWorld; readonly table: string }> => {
      const world = worldOf();
      tables += 1;
      const table = `e${tables}`;
      expect(await world.append(table, 'c-1')).toMatchObject({ kind: 'committed' });
      return { world, table };
    };
    /** A commit of other metadata than tailrace writes. */
    const commit = async (
      world: HiveWorld,
      table: string,
      change: (metadata: TableMetadata) => Partial<TableMetadata>,
    ): Promise<CatalogOutcome> => {
      const there = await world.table(table);
      const base = (await there.load()) ?? expect.fail('no table');
      return there.commit(base, { ...base.metadata, ...change(base.metadata) }, () => false);
    };
    const withFields = (metadata: TableMetadata, fields: readonly IcebergField[]): Partial<TableMetadata> => ({
      schemas: metadata.schemas.map((schema) => ({ ...schema, fields })),
    });
    const columnsOf = ({ sd }: HiveTable): readonly string[] => (sd?.cols ?? []).map(({ name = '' }) => name);

    test("are those of Iceberg's own catalog", async () => {
      const { world, table } = await started();
      const first = (await world.entry(table)).parameters?.['metadata_location'];
      await world.append(table, 'c-2');
      const entry = await world.entry(table);
      const state = (await (await world.table(table)).load()) ?? expect.fail('no table');
      expect(entry).toMatchObject({
        tableType: 'EXTERNAL_TABLE',
        owner: expect.stringMatching(/./),
        parameters: {
          EXTERNAL: 'TRUE',
          table_type: 'ICEBERG',
          metadata_location: state.metadataLocation,
          previous_metadata_location: first,
          uuid: state.metadata['table-uuid'],
          'current-snapshot-id': String(state.metadata['current-snapshot-id']),
          'snapshot-count': '2',
          numFiles: '2',
          numRows: '6',
        },
        sd: {
          inputFormat: 'org.apache.hadoop.mapred.FileInputFormat',
          serdeInfo: { serializationLib: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' },
        },
      });
      expect(entry.sd?.location).toMatch(new RegExp(`^file:${state.metadata.location}$`));
      expect(entry.parameters?.['storage_handler']).toBeUndefined();
      const types = Object.fromEntries((entry.sd?.cols ?? []).map(({ name, type }) => [name, type]));
      expect(types).toMatchObject({ pk: 'string', _written_at: 'timestamp with local time zone' });
      expect(Object.values(types)).toEqual(
        expect.arrayContaining([
          ...['bigint', 'double', 'boolean', 'binary'],
          ...['decimal', 'array<', 'map<string,', 'struct<'].map((text) => expect.stringContaining(text)),
        ]),
      );
      expect(columnsOf(entry).length).toBe(state.metadata.schemas[0]?.fields.length);
    });

    test('keep what others put there, and follow the properties of the table', async () => {
      const { world, table } = await started();
      expect(await commit(world, table, () => ({ properties: { a: '1', b: '2', long: 'x'.repeat(4_001) } }))).toEqual({
        kind: 'committed',
      });
      expect((await world.entry(table)).parameters).toMatchObject({ a: '1', b: '2' });
      expect((await world.entry(table)).parameters?.['long']).toBeUndefined();
      await world.change(table, (entry) => ({
        ...entry,
        owner: 'mallory',
        parameters: { ...entry.parameters, team: 'shop' },
        sd: { ...entry.sd, cols: (entry.sd?.cols ?? []).map((column) => ({ ...column, comment: 'seen' })) },
      }));
      await commit(world, table, () => ({ properties: { b: '3', 'gc.enabled': 'false' } }));
      const entry = await world.entry(table);
      expect(entry).toMatchObject({ owner: 'mallory', parameters: { team: 'shop', b: '3' } });
      expect(entry.parameters).toMatchObject({ 'external.table.purge': 'false' });
      expect(entry.parameters?.['a']).toBeUndefined();
      expect(entry.sd?.cols?.every(({ comment }) => comment === 'seen')).toBe(true);
    });

    test("list the schema's columns in its order, although the Metastore refuses other types at a place", async () => {
      const { world, table } = await started();
      const before = columnsOf(await world.entry(table));
      const column = (id: number, name: string, type: IcebergField['type']): IcebergField => {
        return { id, name, required: false, type };
      };
      // Columns come in order of their names, so a new one comes between others of other types.
      const [pk, ...others] = everyType.columns;
      const columns = [pk ?? expect.fail('no key'), field(90, 'aa', 'S', string), ...others];
      const handle = icebergTable(await world.table(table));
      const wider = await appendTo(handle, 'wider', { schema: { ...everyType, columns, lastFieldId: 90 } });
      expect(wider).toMatchObject({ kind: 'committed' });
      expect(columnsOf(await world.entry(table))).toEqual([before[0], 'aa', ...before.slice(1)]);
      const struct = column(1, 'pk', { type: 'struct', fields: [column(2, 'x', 'long')] });
      const fields = [struct, column(3, 'zz', 'string')];
      expect(await commit(world, table, (metadata) => withFields(metadata, fields))).toEqual({ kind: 'committed' });
      expect((await world.entry(table)).sd?.cols).toEqual([
        { name: 'pk', type: 'struct<x:bigint>' },
        { name: 'zz', type: 'string' },
      ]);
      expect((await world.entry(table)).parameters?.['metadata_location']).toContain('/00002-');
    });

    test('take columns of any name', async () => {
      const { world, table } = await started();
      const names = ['a b', 'é', 'x.y', 'q"r', 'a:b,c<d>', '日本', "it's", 'n'.repeat(400)];
      const fields = names.map((text, n) => ({
        id: n + 1,
        name: text,
        required: false,
        type: { type: 'struct' as const, fields: [{ ...ITEM, id: 100 + n, name: text }] },
      }));
      const beyond = ['n'.repeat(768), 'nul\0'].map((text, n) => ({ ...ITEM, id: 200 + n, name: text }));
      const odd = (metadata: TableMetadata): Partial<TableMetadata> => ({
        ...withFields(metadata, [...fields, ...beyond]),
        properties: { ...metadata.properties, 'nul\0': 'x', [`k${'e'.repeat(300)}y`]: 'x', nul: '\0' },
      });
      expect(await commit(world, table, odd)).toEqual({ kind: 'committed' });
      expect(columnsOf(await world.entry(table))).toEqual(names);
    });

    test('name the classes that Hive needs when it is to use the table', async () => {
      const world = worldOf();
      const handler = 'org.apache.iceberg.mr.hive.HiveIcebergStorageHandler';
      const there = await world.table('for_hive', world.catalog({ hiveEngine: true }));
      expect(await world.append('for_hive', 'c-1', there)).toMatchObject({ kind: 'committed' });
      // A writer that does not ask for it leaves it as it is.
      expect(await world.append('for_hive', 'c-2')).toMatchObject({ kind: 'committed' });
      expect(await world.entry('for_hive')).toMatchObject({
        parameters: { storage_handler: handler },
        sd: {
          inputFormat: 'org.apache.iceberg.mr.hive.HiveIcebergInputFormat',
          serdeInfo: { serializationLib: 'org.apache.iceberg.mr.hive.HiveIcebergSerDe' },
        },
      });
      await commit(world, 'for_hive', () => ({ properties: { 'engine.hive.enabled': 'false' } }));
      expect((await world.entry('for_hive')).parameters?.['storage_handler']).toBeUndefined();
      await commit(world, 'for_hive', () => ({ properties: { 'engine.hive.enabled': 'true' } }));
      expect(await world.entry('for_hive')).toMatchObject({ parameters: { storage_handler: handler } });
    });

    test('of tables that are not of Iceberg are listed as what they are, and refused', async () => {
      const { world, table } = await started();
      const sd = (inputFormat: string): HiveStorage => ({
        cols: [{ name: 'a', type: 'string' }],
        location: join(world.server.warehouse, 'plain'),
        inputFormat,
        outputFormat: inputFormat,
        serdeInfo: { serializationLib: 'x' },
      });
      const create = async (tableName: string, change: Partial<HiveTable>, format: string): Promise<void> => {
        const plain = { tableName, dbName: world.database, partitionKeys: [], parameters: { EXTERNAL: 'TRUE' } };
        const made = { ...plain, tableType: 'EXTERNAL_TABLE', sd: sd(format), ...change };
        await world.client.change(METHODS.createTable, { table: made, context: {} });
      };
      await create('plain', {}, 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat');
      await create('delta', { parameters: { 'spark.sql.sources.provider': 'delta', EXTERNAL: 'TRUE' } }, 'x');
      const catalog = world.catalog();
      const listed = (await catalog.tables([world.database])).map(({ name, format }) => [name.table, format]);
      expect(listed).toEqual(
        expect.arrayContaining([
          [table, undefined],
          ['plain', 'parquet'],
          ['delta', 'delta'],
        ]),
      );
      const namespace = [world.database];
      for (const purpose of ['read', 'write'] as const)
        await expect(catalog.open({ namespace, table: 'plain' }, { purpose })).rejects.toMatchObject({
          code: 'TARGET_BAD',
          place: `lake.${world.database}.plain`,
          found: 'parquet',
        });
    });

    test('of databases: made when asked, in the warehouse or where the Metastore has its own', async () => {
      const world = worldOf();
      const name = (database: string) => ({ namespace: [database], table: 't' });
      const catalog = world.catalog({ warehouse: join(world.server.warehouse, 'mine') });
      const other = `${world.database}_b`;
      expect(await catalog.open(name(other), { purpose: 'read' })).toBeUndefined();
      await expect(catalog.open(name(other), { purpose: 'write' })).rejects.toMatchObject({
        code: 'CATALOG',
        hint: '--create-namespace makes it.',
      });
      await expect(catalog.tables([other])).rejects.toMatchObject({ code: 'CATALOG' });
      const open = { purpose: 'write', createNamespace: true } as const;
      const opened = await catalog.open(name(other.toUpperCase()), open);
      expect(opened?.folder).toBe(join(world.server.warehouse, 'mine', `${other}.db`, 't').slice(1));
      expect(await catalog.namespaces()).toContainEqual([other]);
      const own = `${world.database}_c`;
      const plain = hiveCatalog('plain', { type: 'hive', uri: world.server.uri }, async () => localStorage('/'));
      expect((await plain.open(name(own), open))?.folder).toMatch(new RegExp(`/${own}.db/t$`));
      await plain.close();
      const location = join(world.server.warehouse, 'elsewhere');
      expect((await catalog.open(name(other), { ...open, location }))?.folder).toBe(location.slice(1));
      for (const odd of [{ namespace: ['a', 'b'], table: 't' }, name('so-so'), { namespace: [other], table: 'a-b' }])
        await expect(catalog.open(odd, open)).rejects.toMatchObject({ code: 'CATALOG' });
    });

    test('take in a table that lies somewhere, once', async () => {
      const { world } = await started();
      const folder = join(world.server.warehouse, 'lies', 'there');
      const { storage } = await world.table('any');
      await appendTo(openIcebergTable(storage, folder.slice(1)), 'c-1');
      const name = { namespace: [world.database], table: 'taken_in' };
      const metadata = join(folder, 'metadata', 'v1.metadata.json');
      await world.catalog().register(name, metadata);
      await expect(world.catalog().register(name, metadata)).rejects.toMatchObject({ code: 'CATALOG' });
      expect((await world.table('taken_in')).folder).toBe(folder.slice(1));
      expect(await world.append('taken_in', 'c-2')).toMatchObject({ kind: 'committed' });
      expect((await world.files('taken_in')).length).toBe(2);
    });

    test('of tables on S3', async () => {
      const world = worldOf();
      const s3 = await startVersitygw();
      const restore = useCredentials(s3);
      try {
        await makeBucket(s3, 'lake');
        const aws = { endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true };
        const open = () => world.catalog({}, {}, (uri) => openAnywhere(uri, { aws }));
        const name = { namespace: [world.database], table: 'on_s3' };
        const options = { purpose: 'write', createNamespace: true, location: 's3://lake/on/s3' } as const;
        for (const commitId of ['c-1', 'c-2']) {
          const there = (await open().open(name, options)) ?? expect.fail('no table');
          expect(await world.append('on_s3', commitId, there)).toMatchObject({ kind: 'committed' });
        }
        const entry = await world.entry('on_s3');
        expect(entry.sd?.location).toBe('s3://lake/on/s3');
        expect(entry.parameters?.['metadata_location']).toMatch(/^s3:\/\/lake\/on\/s3\/metadata\/00001-/);
        // Spark and others spell the scheme as Hadoop does.
        await world.change('on_s3', (there) => ({
          ...there,
          parameters: {
            ...there.parameters,
            metadata_location: there.parameters?.['metadata_location']?.replace('s3:', 's3a:') ?? '',
          },
        }));
        const again = (await open().open(name, options)) ?? expect.fail('no table');
        expect(await world.append('on_s3', 'c-3', again)).toMatchObject({ kind: 'committed' });
      } finally {
        restore();
        await s3.stop();
      }
    });
  });
}
