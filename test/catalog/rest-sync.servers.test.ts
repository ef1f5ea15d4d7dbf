import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspect, maintain } from '../../src/index.ts';
import type { CatalogSettings } from '../../src/model/catalog.ts';
import * as chains from '../crash/chain.ts';
import type { DdbItem } from '../data/ion.ts';
import { canonical, contextOf, World } from '../faults/load.ts';
import { JAVA, JAVA_21, NESSIE_JAR, PYTHON, REST_JARS, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startNessie } from '../servers/nessie.ts';
import { startRestCatalog } from '../servers/rest-catalog.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { PyIceberg } from './beside.ts';

// Whole runs on tables of real REST catalogs, with PyIceberg reading and writing beside us.

interface Running {
  readonly uri: string;
  /** What PyIceberg needs beside the address. */
  readonly properties: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

interface State {
  readonly location: string;
  readonly snapshot: string;
  readonly snapshots: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

async function reference(): Promise<Running> {
  const { uri, stop } = await startRestCatalog();
  return { uri, stop, properties: {} };
}

async function nessie(): Promise<Running> {
  const s3 = await startVersitygw();
  const restore = useCredentials(s3);
  await makeBucket(s3, 'lake');
  const server = await startNessie(s3, 'lake');
  const stop = async (): Promise<void> => {
    await server.stop();
    await s3.stop();
    restore();
  };
  const properties = { 's3.access-key-id': s3.accessKey, 's3.secret-access-key': s3.secretKey };
  return { uri: server.uri, properties, stop };
}

const numberOf = (value: DdbItem[string] | undefined): number | null =>
  value?.['N'] === undefined ? null : Number(value['N']);

function chainOn(name: string, needs: readonly string[], start: () => Promise<Running>, currentOnly: boolean): void {
  serverOrSkip(`a chain on ${name}`, [...needs, PYTHON], () => {
    let world: World;
    let server: Running;
    let py: PyIceberg;

    beforeAll(async () => {
      server = await start();
      world = await World.open();
      const settings: CatalogSettings = {
        type: 'rest',
        uri: server.uri,
        auth: { kind: 'none' },
        credentials: 'vended',
      };
      world.always = { catalogs: { lab: settings }, targetAws: { region: 'us-east-1' } };
      py = await new PyIceberg({ type: 'rest', uri: server.uri, ...server.properties }).ready();
    });
    afterAll(async () => {
      py.end();
      await world[Symbol.asyncDispose]();
      await server.stop();
    });

    test('fault 14: export and windows come to the model, beside the appends and deletes of PyIceberg', async () => {
      const target = 'iceberg:lab.shop.orders';
      const chain = await chains.smallChain(join(world.dir, 'chain'));
      const own = new Map<string, number | null>();
      const gone = new Set<string>();
      const source = (index: number): string => chain.exports[index]?.exportDir ?? '';
      const agree = async (index: number): Promise<void> => {
        const model = [...(chain.states[index]?.values() ?? [])].filter(({ pk }) => !gone.has(String(pk?.['S'])));
        const rows = [...model.map(({ pk, n }) => [pk?.['S'], numberOf(n)] as const), ...own];
        const sorted = rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
        expect([index, await py.ask({ rows: 'shop.orders', columns: ['pk', 'n'] })]).toEqual([index, sorted]);
        const { state } = await world.table(target);
        expect([index, state?.rows]).toEqual([index, rows.length]);
        expect((await py.ask<State>({ state: 'shop.orders' })).snapshot).toBe(state?.snapshot);
      };

      const refused = await world.sync(source(0), target);
      expect(refused.error).toMatchObject({ code: 'CATALOG', hint: expect.stringContaining('--create-namespace') });
      expect((await world.sync(source(0), target, { dryRun: true })).outcome).toBe('planned');
      const report = await world.load(source(0), target, { createNamespace: true });
      chains.expectCountsClose(report);
      await agree(0);
      expect(await world.items(target)).toEqual(canonical([...(chain.states[0]?.values() ?? [])]));
      expect((await world.sync(source(0), target)).outcome).toBe('unchanged');

      await py.ask({ append: [{ pk: 'p1' }, { pk: 'p2' }], to: 'shop.orders' });
      own.set('p1', null).set('p2', null);
      await agree(0);
      for (const index of [1, 2]) {
        await world.load(source(index), target, { write: index === 1 ? 'merge-on-read' : 'copy-on-write' });
        await agree(index);
      }
      await py.ask({ delete: 'shop.orders', where: "pk == 'a9'" });
      gone.add('a9');
      await world.load(chain.dir, target);
      await agree(chain.exports.length - 1);
      await chains.expectDone(world, chain.dir, target);
    });

    test('upkeep, schema, query and inspect work as on a path', async () => {
      const target = 'iceberg:lab.shop.orders';
      const rows = await world.query(target, 'SELECT count(*) FROM t');
      const options = { ...world.options(), expireSnapshotsMs: 0, keepSnapshots: 1 };
      const report = await maintain(target, options, contextOf());
      // Nessie has nothing to forget, and the small files were joined within sync.
      expect(report).toMatchObject({ outcome: currentOnly ? 'unchanged' : 'committed' });
      expect(await world.query(target, 'SELECT count(*) FROM t')).toEqual(rows);
      const state = await py.ask<State>({ state: 'shop.orders' });
      expect(state.snapshots).toEqual([state.snapshot]);
      expect(await py.ask({ rows: 'shop.orders', columns: ['pk'] })).toHaveLength(Number(rows[0]?.[0]));
      const seen = await inspect(target, world.options(), contextOf());
      expect(seen).toMatchObject({ kind: 'table', snapshot: state.snapshot });
      expect(await inspect('iceberg:lab', world.options(), contextOf())).toMatchObject({
        kind: 'catalog',
        namespaces: ['shop'],
        tables: [{ namespace: 'shop', name: 'orders', format: 'iceberg' }],
      });
      expect(await inspect('iceberg:lab.shop', world.options(), contextOf())).toMatchObject({ namespaces: ['shop'] });
      expect(Object.keys(state.properties)).not.toContain('tailrace.pending');
      expect(currentOnly).toBe(state.properties['gc.enabled'] === 'false');
    });
  });
}

chainOn('the reference REST catalog', [JAVA, REST_JARS], reference, false);
chainOn('Nessie', [JAVA_21, NESSIE_JAR, VERSITYGW], nessie, true);
