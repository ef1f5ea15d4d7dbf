import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Catalog, CatalogTable, OpenTableOptions } from '../../../src/catalog/port.ts';
import { doctor, inspect, maintain } from '../../../src/index.ts';
import type { RestSettings } from '../../../src/model/catalog.ts';
import { openCatalog } from '../../../src/pipeline/ends/catalogs.ts';
import { catalogContract } from '../../contract/catalog.ts';
import { smallChain } from '../../crash/chain.ts';
import { canonical, contextOf, World } from '../../faults/load.ts';
import { PYTHON, serverOrSkip } from '../../servers/available.ts';
import { PyIceberg } from '../beside.ts';
import { chainBeside } from '../chain.ts';
import { evolveBetween } from '../evolve.ts';
import { COMMITS, tryTwoProcesses } from '../processes.ts';
import { REAL, type Running } from './running.ts';

interface State {
  readonly snapshot: string;
  readonly snapshots: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/** All that is tried on each real REST catalog: the contract, whole runs beside PyIceberg, and two processes at once. */
export function tryReal(which: keyof typeof REAL): void {
  const { title, needs, start, currentOnly } = REAL[which];
  serverOrSkip(title, [...needs, PYTHON], () => {
    let world: World;
    let server: Running;
    let settings: RestSettings;

    const open = (): Promise<Catalog> => openCatalog('lab', world.options(), (storage) => storage);
    const table = async (name: string, options: Partial<OpenTableOptions> = {}): Promise<CatalogTable> => {
      const catalog = await open();
      const full = { namespace: ['lab'], table: name };
      const found = await catalog.open(full, { purpose: 'write', createNamespace: true, ...options });
      return found ?? expect.fail('no table');
    };

    beforeAll(async () => {
      server = await start();
      world = await World.open();
      settings = { type: 'rest', uri: server.uri, auth: { kind: 'none' }, credentials: 'vended' };
      world.always = { catalogs: { lab: settings }, targetAws: { region: 'us-east-1' } };
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
      await server.stop();
    });

    catalogContract(
      title,
      async () => ({
        open: table,
        drop: async (name) => {
          const path = `${server.uri}/${server.prefix}/namespaces/lab/tables/${name}`;
          expect((await fetch(path, { method: 'DELETE' })).status).toBe(204);
        },
      }),
      { currentOnly },
    );

    describe('beside PyIceberg', () => {
      let py: PyIceberg;
      beforeAll(async () => {
        py = await new PyIceberg({ type: 'rest', uri: server.uri, ...server.properties }).ready();
      });
      afterAll(() => py.end());

      test('fault 14: export and windows come to the model, beside its appends, compactions and deletes', async () => {
        await chainBeside(world, py, 'lab', 'shop.orders');
      });

      test('a table that it made is taken over', async () => {
        const chain = await smallChain(join(world.dir, 'theirs'), 2);
        const target = 'iceberg:lab.shop.theirs';
        await py.ask({ create: 'shop.theirs' });
        const [full, first] = chain.states;
        await py.ask({ append: [...(full?.keys() ?? [])].map((pk) => ({ pk })), to: 'shop.theirs' });
        const adopt = { adopt: true, fromTime: '2026-03-01T11:59:00Z', key: ['pk'] };
        await world.load(chain.exports[1]?.exportDir ?? '', target, adopt);
        const rows = await py.ask<readonly unknown[]>({ rows: 'shop.theirs', columns: ['pk'] });
        expect(rows).toEqual([...(first?.keys() ?? [])].sort().map((pk) => [pk]));
      });

      test('upkeep, query and inspect work as on a path', async () => {
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
        expect(await inspect(target, world.options(), contextOf())).toMatchObject({
          kind: 'table',
          snapshot: state.snapshot,
        });
        expect(await inspect('iceberg:lab', world.options(), contextOf())).toMatchObject({
          kind: 'catalog',
          namespaces: expect.arrayContaining(['shop']),
          tables: expect.arrayContaining([{ namespace: 'shop', name: 'orders', format: 'iceberg' }]),
        });
        expect(await inspect('iceberg:lab.shop', world.options(), contextOf())).toMatchObject({ namespaces: ['shop'] });
        expect(currentOnly).toBe(state.properties['gc.enabled'] === 'false');
        const sweep = await maintain(target, { ...world.options(), sweepOrphansMs: 3_600_000 }, contextOf());
        expect(sweep.error?.found).toBe(currentOnly ? 'gc.enabled=false' : undefined);
      });
    });

    test('columns change on request between windows', async () => {
      await evolveBetween(world, 'evolving', 'iceberg:lab.shop.evolving');
    });

    test('doctor finds both a new table and one that is there ready, and changes nothing by asking', async () => {
      const { exportDir } = await world.export({ items: [{ pk: { S: 'a' } }] }, 'asked');
      const target = 'iceberg:lab.asked.orders';
      const options = { ...world.options(), createNamespace: true };
      const first = await doctor(exportDir, target, options, contextOf());
      expect(first.checks.filter(({ state }) => state === 'failed')).toEqual([]);
      const catalog = await open();
      expect(await catalog.namespaces()).not.toContainEqual(['asked']);
      await catalog.open({ namespace: ['asked'], table: 'other' }, { purpose: 'write', createNamespace: true });
      const prepared = await doctor(exportDir, target, options, contextOf());
      expect(prepared.outcome).toBe('ready');
      expect(await catalog.tables(['asked'])).toEqual([]);
      await world.load(exportDir, target);
      const before = (await world.table(target)).state;
      const there = await doctor(exportDir, target, options, contextOf());
      expect(there.outcome).toBe('ready');
      expect(there.checks.map(({ what, state }) => `${state}: ${what}`)).toContain('passed: commit to the table');
      expect((await world.table(target)).state).toEqual(before);
    });

    test('a table that lies somewhere is taken in, and a place that is named is where a new one lies', async () => {
      const path = `${server.place}/by-path/orders`;
      const chain = await smallChain(join(world.dir, 'taken'), 2);
      const [full = '', ...windows] = chain.exports.map(({ exportDir }) => exportDir);
      const aws = { region: 'us-east-1', ...(server.endpoint === undefined ? {} : { endpoint: server.endpoint }) };
      await world.load(full, path, { targetAws: aws });
      const target = 'iceberg:lab.taken.orders';
      const options = { register: path, createNamespace: true, targetAws: aws };
      expect((await world.sync(full, target, { ...options, dryRun: true })).outcome).toBe('planned');
      expect((await world.sync(full, target, options)).outcome).toBe('unchanged');
      for (const window of windows) await world.load(window, target, options);
      const model = canonical([...(chain.states.at(-1)?.values() ?? [])]);
      expect(await world.items(target)).toEqual(model);
      expect((await world.table(target)).state?.location.replace(/\/$/, '')).toBe(path);

      const refused = await world.sync(full, 'iceberg:lab.taken.other', { location: path, targetAws: aws });
      expect(refused.error).toMatchObject({ code: 'TARGET_BAD', hint: expect.stringContaining('--register') });
      const chosen = `${server.place}/chosen/orders`;
      await world.load(full, 'iceberg:lab.taken.other', { location: chosen, targetAws: aws });
      const { state, files } = await world.table('iceberg:lab.taken.other');
      expect(state?.location).toBe(chosen);
      expect(files.every((file) => file.path.startsWith(`${chosen}/data/`))).toBe(true);
      expect(await world.items('iceberg:lab.taken.other')).toEqual(canonical([...(chain.states[0]?.values() ?? [])]));
      const place = await world.sync(full, path, { location: chosen, targetAws: aws });
      expect(place.error).toMatchObject({ code: 'USAGE', place: '--location' });
    });

    test(`faults 11, 15: two processes of ${COMMITS} commits each at once: none is lost, none is there twice`, async () => {
      await tryTwoProcesses(settings, { namespace: ['lab'], table: 'both' }, await table('both'));
    });
  });
}
