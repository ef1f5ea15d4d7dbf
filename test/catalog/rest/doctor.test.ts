/** `doctor` on tables of a REST catalog that refuses, or that cannot do all: nothing is made or committed by asking. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctor } from '../../../src/index.ts';
import type { RestAuth } from '../../../src/model/catalog.ts';
import type { DoctorCheck, DoctorReport } from '../../../src/model/doctor.ts';
import type { WrittenExport } from '../../data/make-export.ts';
import { contextOf, type LoadOptions, World } from '../../faults/load.ts';
import type { Answer, Asked, RestProxy } from '../../servers/rest-proxy.ts';
import { FakeCatalog, refused } from './fake.ts';

const TARGET = 'iceberg:prod.shop.orders';

let world: World;
let catalog: FakeCatalog;
let proxy: RestProxy;
let source: WrittenExport;
let guard: (asked: Asked) => Answer | undefined;

beforeEach(async () => {
  world = await World.open();
  source = await world.export({ items: [{ pk: { S: 'a' } }] });
  catalog = new FakeCatalog(`${world.dir}/lake`);
  guard = () => undefined;
  proxy = await catalog.start((asked) => guard(asked));
  setUp({ kind: 'none' });
});
afterEach(async () => {
  delete process.env['DOCTOR_TOKEN'];
  await catalog.stop();
  await world[Symbol.asyncDispose]();
});

function setUp(auth: RestAuth, uri = proxy.uri): void {
  world.always = { catalogs: { prod: { type: 'rest', uri, auth, credentials: 'vended' } } };
}

function examined(options: LoadOptions & { readonly readOnly?: boolean } = {}): Promise<DoctorReport> {
  const { readOnly = false, ...rest } = options;
  return doctor(source.exportDir, TARGET, { ...world.options(rest), readOnly }, contextOf());
}

const targets = ({ checks }: DoctorReport): readonly DoctorCheck[] => checks.filter(({ end }) => end === 'target');
const failed = ({ checks }: DoctorReport): readonly DoctorCheck[] => checks.filter(({ state }) => state === 'failed');
const told = (report: DoctorReport): readonly string[] => targets(report).map(({ what, state }) => `${state}: ${what}`);

test('a new table: prepared, and not made', async () => {
  catalog.namespaces.add('shop');
  const report = await examined();
  expect(report).toMatchObject({ outcome: 'ready', left: [] });
  expect(told(report).slice(0, 5)).toEqual([
    'passed: reach the catalog',
    'passed: load the table',
    'passed: find the namespace',
    'passed: create the table',
    'passed: get access to its files',
  ]);
  expect(catalog.tables.size).toBe(0);
});

test('a catalog that cannot prepare a table is not made to make one', async () => {
  catalog.namespaces.add('shop');
  catalog.staging = false;
  const report = await examined();
  expect(report.outcome).toBe('ready');
  expect(targets(report).find(({ what }) => what === 'create the table')?.found).toMatch(/cannot prepare/);
  expect(catalog.tables.size).toBe(0);
});

test('a namespace that is not there is refused, or would be made', async () => {
  expect(failed(await examined())).toMatchObject([{ what: 'find the namespace', error: { code: 'CATALOG' } }]);
  const report = await examined({ createNamespace: true });
  expect(report.outcome).toBe('ready');
  expect(told(report)).toContain('untried: create the namespace shop');
  expect(catalog.namespaces.size).toBe(0);
});

test('a table that is there: a commit is asked for that cannot take place', async () => {
  await world.load(source, TARGET, { createNamespace: true });
  const before = structuredClone([...catalog.tables]);
  const report = await examined();
  expect(report.outcome).toBe('ready');
  expect(told(report)).toContain('passed: commit to the table');
  expect(report.checks.at(-1)).toMatchObject({ found: 'the table holds all of it already' });
  expect([...catalog.tables]).toEqual(before);
  proxy.asked.length = 0;
  expect((await examined({ readOnly: true })).outcome).toBe('ready');
  expect(new Set(proxy.asked.map(({ method }) => method))).toEqual(new Set(['GET']));
});

test('fault 40: what the catalog refuses is named, with what it says', async () => {
  await world.load(source, TARGET, { createNamespace: true });
  guard = ({ method }) => (method === 'POST' ? refused(403, 'ForbiddenException', 'no TABLE_WRITE_DATA') : undefined);
  expect(failed(await examined())).toMatchObject([
    {
      what: 'commit to the table',
      error: { code: 'ACCESS_DENIED', found: expect.stringContaining('no TABLE_WRITE_DATA') },
    },
  ]);
  guard = ({ path }) => (path.includes('/tables/') ? refused(403, 'ForbiddenException', 'no') : undefined);
  expect(failed(await examined())).toMatchObject([{ what: 'load the table', error: { code: 'ACCESS_DENIED' } }]);
});

test('fault 40: AWS behind it: the statement that would grant it', async () => {
  await world.load(source, TARGET, { createNamespace: true });
  const resource = 'arn:aws:glue:eu-central-1:111122223333:table/shop/orders';
  const message =
    'User: arn:aws:sts::111122223333:assumed-role/a-role-with-a-rather-long-name-for-loads/and-a-session-of-its-own is not ' +
    `authorized to perform: glue:UpdateTable on resource: ${resource} because no identity-based policy allows the glue:UpdateTable action`;
  guard = ({ method }) => (method === 'POST' ? refused(403, 'AccessDeniedException', message) : undefined);
  const report = await examined();
  expect(failed(report)).toMatchObject([{ denial: { action: 'glue:UpdateTable', resource, why: 'not granted' } }]);
  expect(report.policy?.Statement).toEqual([{ Effect: 'Allow', Action: ['glue:UpdateTable'], Resource: [resource] }]);
});

test('a token that is not accepted, or not there; it is never told', async () => {
  process.env['DOCTOR_TOKEN'] = 'a-secret-token-of-mine';
  setUp({ kind: 'bearer', tokenEnv: 'DOCTOR_TOKEN' });
  guard = () => refused(401, 'NotAuthorizedException', 'who are you');
  const report = await examined();
  expect(failed(report)).toMatchObject([{ what: 'reach the catalog', error: { code: 'ACCESS_DENIED' } }]);
  expect(report.policy).toBeUndefined();
  expect(JSON.stringify(report)).not.toContain('a-secret-token-of-mine');
  delete process.env['DOCTOR_TOKEN'];
  expect(failed(await examined())).toMatchObject([{ end: 'target' }]);
});

test('a catalog that would sign each request itself, one that refuses in its own way, and one that does not answer', async () => {
  await world.load(source, TARGET, { createNamespace: true });
  catalog.vends = () => ({ config: { 's3.remote-signing-enabled': 'true' } });
  expect(failed(await examined())).toMatchObject([
    { what: 'get access to its files', error: { code: 'CATALOG', found: 's3.remote-signing-enabled=true' } },
  ]);
  catalog.vends = () => ({});
  guard = ({ method }) => (method === 'POST' ? refused(400, 'BadRequestException', 'no updates') : undefined);
  const odd = await examined();
  expect(odd.outcome).toBe('ready');
  expect(targets(odd).find(({ what }) => what === 'commit to the table')?.found).toContain('HTTP 400');
  setUp({ kind: 'none' }, 'http://127.0.0.1:9');
  expect(failed(await examined())).toMatchObject([{ what: 'reach the catalog', error: { code: 'UNREACHABLE' } }]);
});
