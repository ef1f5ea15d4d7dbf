/** The catalogs that commits are measured on: real servers, each on this machine and empty. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AwsSettings } from '../../src/model/aws.ts';
import type { CatalogSettings } from '../../src/model/catalog.ts';
import { makeBucket, useCredentials } from '../../test/servers/buckets.ts';
import { startGlueProxy } from '../../test/servers/glue-proxy.ts';
import { type HiveServer, startHive3, startHive4 } from '../../test/servers/hive.ts';
import { startMoto } from '../../test/servers/moto.ts';
import { startNessie } from '../../test/servers/nessie.ts';
import { startRestCatalog } from '../../test/servers/rest-catalog.ts';
import { startVersitygw } from '../../test/servers/versitygw.ts';

/** The namespace of all tables. */
export const NAMESPACE = 'bench';

export interface Server {
  readonly title: string;
  /** Absent: tables that no service knows. */
  readonly settings?: CatalogSettings;
  readonly aws: AwsSettings;
  /** What PyIceberg is given; absent: it does not work with this server. */
  readonly pyiceberg?: {
    readonly properties: Readonly<Record<string, string>>;
    /** Folder of tables, where the catalog does not choose it. */
    readonly location?: string;
  };
  stop(): Promise<void>;
}

/** How each is started, with an empty folder of its own. */
export const SERVERS = { files, rest, nessie, glue, hive3, hive4 } as const;

const AWS: AwsSettings = { region: 'us-east-1' };

/** PyIceberg has no tables that no service knows: the nearest is its catalog in an SQLite file. */
async function files(dir: string): Promise<Server> {
  const uri = `sqlite:///${join(dir, 'pyiceberg.db')}`;
  const properties = { type: 'sql', uri, warehouse: `file://${dir}` };
  return { title: 'files (PyIceberg: SQLite)', aws: {}, pyiceberg: { properties }, stop: async () => undefined };
}

async function rest(): Promise<Server> {
  const { uri, stop } = await startRestCatalog();
  const settings = { type: 'rest', uri, auth: { kind: 'none' }, credentials: 'vended' } as const;
  return {
    title: 'REST, reference server',
    settings,
    aws: AWS,
    pyiceberg: { properties: { type: 'rest', uri } },
    stop,
  };
}

async function nessie(): Promise<Server> {
  const s3 = await startVersitygw();
  const restore = useCredentials(s3);
  await makeBucket(s3, 'lake');
  const { uri, stop } = await startNessie(s3, 'lake');
  const settings = { type: 'rest', uri, auth: { kind: 'none' }, credentials: 'vended' } as const;
  const keys = { 's3.access-key-id': s3.accessKey, 's3.secret-access-key': s3.secretKey };
  return {
    title: 'Nessie, files on versitygw',
    settings,
    aws: AWS,
    pyiceberg: { properties: { type: 'rest', uri, ...keys } },
    stop: async () => {
      await stop();
      await s3.stop();
      restore();
    },
  };
}

async function glue(dir: string): Promise<Server> {
  const moto = await startMoto();
  const restore = useCredentials(moto);
  const { endpoint, stop } = await startGlueProxy(moto.endpoint);
  const warehouse = join(dir, 'glue');
  const properties = { type: 'glue', 'glue.endpoint': endpoint, 'glue.region': 'us-east-1' };
  return {
    title: 'Glue, moto behind the proxy that compares',
    settings: { type: 'glue', aws: { ...AWS, endpoint }, warehouse },
    aws: AWS,
    pyiceberg: { properties, location: join(warehouse, 'theirs') },
    stop: async () => {
      await stop();
      await moto.stop();
      restore();
    },
  };
}

async function hive3(dir: string): Promise<Server> {
  const server = await startHive3();
  const location = join(dir, 'hive3');
  await mkdir(location);
  const pyiceberg = { properties: { type: 'hive', uri: server.uri }, location };
  return { ...hive('Hive 3.1.3 on Derby', server), pyiceberg };
}

/** PyIceberg calls functions that Hive 4 no longer has. */
async function hive4(): Promise<Server> {
  return hive('Hive 4.0.1 on PostgreSQL', await startHive4());
}

function hive(title: string, { uri, warehouse, stop }: HiveServer): Server {
  return { title, settings: { type: 'hive', uri, warehouse }, aws: {}, stop };
}
