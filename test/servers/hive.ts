import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { METHODS } from '../../src/catalog/hive/api.ts';
import { HIVE_LIMITS } from '../../src/catalog/hive/limits.ts';
import { openConnection } from '../../src/catalog/hive/thrift/connection.ts';
import { HIVE, JAVA } from './available.ts';
import { freePort, startServer } from './child.ts';
import { startPostgres } from './postgres.ts';

export interface HiveServer {
  readonly port: number;
  readonly uri: string;
  /** A local folder; its databases and tables lie in it, unless they are given another place. */
  readonly warehouse: string;
  stop(): Promise<void>;
}

type Version = '3.1.3' | '4.0.1';

/** Locks that are not heard of end after this time: short enough for a test. */
export const LOCKS_END_AFTER_S = 12;

const OPENED = ['java.net', 'java.lang', 'java.util'].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);
const SMALL = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...OPENED];
const PACKAGE = 'org.apache.hadoop.hive.metastore';

/** Hive Metastore 3.1.3 on Derby: compares nothing, works with Spark and PyIceberg. */
export async function startHive3(): Promise<HiveServer> {
  return startHive('3.1.3', async (folder) => {
    await cp(await emptyDerby(), join(folder, 'derby'), { recursive: true });
    return { settings: derbySettings(join(folder, 'derby')), stop: async () => undefined };
  });
}

/** Hive Metastore 4.0.1 on PostgreSQL: compares, works with Trino. */
export async function startHive4(): Promise<HiveServer> {
  return startHive('4.0.1', async (folder) => {
    const postgres = await startPostgres();
    const settings = {
      'javax.jdo.option.ConnectionURL': postgres.url,
      'javax.jdo.option.ConnectionDriverName': 'org.postgresql.Driver',
      'javax.jdo.option.ConnectionUserName': postgres.user,
      'javax.jdo.option.ConnectionPassword': 'none',
    };
    await initSchema('4.0.1', folder, settings);
    return { settings, stop: postgres.stop };
  });
}

interface Database {
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

async function startHive(version: Version, database: (folder: string) => Promise<Database>): Promise<HiveServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-hive-'));
  const clean = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  const { settings, stop: stopDatabase } = await database(folder).catch(async (error: unknown) => {
    await clean();
    throw error;
  });
  const warehouse = join(folder, 'warehouse');
  const port = await freePort();
  const stopAll = async (): Promise<void> => {
    await stopDatabase();
    await clean();
  };
  try {
    await mkdir(warehouse);
    await writeSettings(folder, { ...settings, ...serverSettings(folder) });
    const stop = await startServer({
      command: JAVA,
      args: [...SMALL, '-cp', classPath(version, folder), `${PACKAGE}.HiveMetaStore`, '-p', String(port)],
      cwd: folder,
      ready: () => answers(port),
    });
    return {
      port,
      uri: `thrift://127.0.0.1:${port}`,
      warehouse,
      stop: async () => {
        await stop();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

function serverSettings(folder: string): Record<string, string> {
  return {
    'metastore.thrift.bind.host': '127.0.0.1',
    'metastore.warehouse.dir': join(folder, 'managed'),
    'metastore.warehouse.external.dir': join(folder, 'warehouse'),
    'metastore.expression.proxy': `${PACKAGE}.DefaultPartitionExpressionProxy`,
    'metastore.task.threads.always': `${PACKAGE}.events.EventCleanerTask`,
    'metastore.txn.timeout': `${LOCKS_END_AFTER_S}s`,
    'metastore.timedout.txn.reaper.interval': '1s',
    'metastore.housekeeping.threads.on': 'true',
    'fs.s3.impl': 'tailrace.NullFs',
  };
}

function derbySettings(path: string): Record<string, string> {
  return {
    'javax.jdo.option.ConnectionURL': `jdbc:derby:${path};create=true`,
    'javax.jdo.option.ConnectionDriverName': 'org.apache.derby.jdbc.EmbeddedDriver',
    'javax.jdo.option.ConnectionUserName': 'APP',
    'javax.jdo.option.ConnectionPassword': 'none',
  };
}

/** A Derby database with the Metastore's empty tables: made once, because that takes ten seconds. */
async function emptyDerby(): Promise<string> {
  const made = join(HIVE, 'derby-3.1.3');
  if (existsSync(made)) return made;
  const folder = await mkdtemp(join(HIVE, 'making-'));
  const path = join(folder, 'derby');
  try {
    await initSchema('3.1.3', folder, derbySettings(path));
    // Another test may have been faster.
    await rename(path, made).catch(() => undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return made;
}

async function initSchema(version: Version, folder: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await writeSettings(folder, settings);
  const [tool, kind] = version === '3.1.3' ? ['tools', 'derby'] : ['tools.schematool', 'postgres'];
  const main = [`${PACKAGE}.${tool}.MetastoreSchemaTool`, '-dbType', kind, '-initSchema'];
  const done = spawnSync(JAVA, [...SMALL, '-cp', classPath(version, folder), ...main], {
    cwd: folder,
    env: { ...process.env, METASTORE_HOME: homeOf(version) },
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`the schema tool of Hive ${version}: ${done.stderr}${done.stdout}`);
}

async function writeSettings(folder: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const properties = Object.entries(settings).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  await writeFile(join(folder, 'metastore-site.xml'), `<configuration>${properties.join('\n')}</configuration>`);
}

/** Settings and classes of ours stand before theirs. */
function classPath(version: Version, folder: string): string {
  const shims = version === '3.1.3' ? ['shim', 'shim-3.1.3'] : ['shim'];
  const jars = [join(homeOf(version), 'lib', '*'), join(HIVE, 'both', '*')];
  return [folder, ...shims.map((name) => join(HIVE, name)), ...jars].join(delimiter);
}

function homeOf(version: Version): string {
  return join(HIVE, `apache-hive-metastore-${version}-bin`);
}

async function answers(port: number): Promise<boolean> {
  const connection = await openConnection({ host: '127.0.0.1', port }, { ...HIVE_LIMITS, replyTimeoutMs: 20_000 });
  try {
    return (await connection.call(METHODS.databases, {})).includes('default');
  } finally {
    connection.close();
  }
}
