import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JAVA_21, TRINO } from './available.ts';
import { freePort, startServer } from './child.ts';
import type { S3Server } from './versitygw.ts';

/** A type as Trino tells it: `array` of one type, `row` of named ones, `decimal` of two numbers … */
export interface TrinoType {
  readonly rawType: string;
  readonly arguments: readonly { readonly kind: string; readonly value: unknown }[];
}

export interface TrinoColumn {
  readonly name: string;
  readonly type: string;
  readonly typeSignature: TrinoType;
}

/** Cells as Trino's JSON has them; numbers, decimals and times are text. */
export interface TrinoRows {
  readonly columns: readonly TrinoColumn[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface Trino {
  /** Runs a statement, and gives all of its rows. */
  query(sql: string): Promise<TrinoRows>;
  /** Adds a catalog with its properties, of Iceberg tables unless another connector is named. */
  catalog(name: string, settings: Readonly<Record<string, string>>, connector?: 'iceberg' | 'hive'): Promise<void>;
  stop(): Promise<void>;
}

const SMALL = ['-Xmx900m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const ALLOWED = [
  '-Djdk.attach.allowAttachSelf=true',
  '--enable-native-access=ALL-UNNAMED',
  '--sun-misc-unsafe-memory-access=allow',
];

/** Trino without catalogs. It reads and writes files on S3 only. */
export async function startTrino(): Promise<Trino> {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-trino-'));
  const clean = async (): Promise<void> => rm(folder, { recursive: true, force: true });
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  try {
    await writeSettings(folder, uri, port);
    const core = (await readdir(TRINO)).find((name) => name.startsWith('trino-server-core-')) ?? '';
    const node = {
      'node.environment': 'test',
      'node.id': 'n1',
      'node.bind-ip': '127.0.0.1',
      'node.internal-address': '127.0.0.1',
      'node.data-dir': join(folder, 'data'),
      config: join(folder, 'etc', 'config.properties'),
    };
    const stop = await startServer({
      command: JAVA_21,
      args: [
        ...[...SMALL, ...ALLOWED, ...Object.entries(node).map(([name, value]) => `-D${name}=${value}`)],
        ...['-cp', join(TRINO, core, 'lib', '*'), 'io.trino.server.TrinoServer'],
      ],
      cwd: folder,
      ready: () => isReady(uri),
    });
    return {
      query: (sql) => query(uri, sql),
      catalog: async (name, settings, connector = 'iceberg') => {
        const all = Object.entries(settings).map(([key, value]) => `"${key}" = '${value}'`);
        await query(uri, `CREATE CATALOG ${name} USING ${connector} WITH (${all.join(', ')})`);
      },
      stop: async () => {
        await stop();
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

/** How a catalog reaches its files. */
export function trinoFiles({ endpoint, accessKey, secretKey }: S3Server): Readonly<Record<string, string>> {
  return {
    'fs.native-s3.enabled': 'true',
    's3.endpoint': endpoint,
    's3.region': 'us-east-1',
    's3.path-style-access': 'true',
    's3.aws-access-key': accessKey,
    's3.aws-secret-key': secretKey,
  };
}

async function writeSettings(folder: string, uri: string, port: number): Promise<void> {
  const settings = {
    coordinator: 'true',
    'node-scheduler.include-coordinator': 'true',
    'http-server.http.port': String(port),
    'discovery.uri': uri,
    'query.max-memory': '300MB',
    'query.max-memory-per-node': '300MB',
    'memory.heap-headroom-per-node': '128MB',
    'catalog.management': 'dynamic',
    'catalog.store': 'memory',
    'plugin.dir': join(TRINO, 'plugin'),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await mkdir(join(folder, 'etc'));
  await writeFile(join(folder, 'etc', 'config.properties'), lines.join(''));
}

async function isReady(uri: string): Promise<boolean> {
  const info = (await (await fetch(`${uri}/v1/info`)).json()) as { readonly starting?: boolean };
  return info.starting === false;
}

interface Page {
  readonly nextUri?: string;
  readonly columns?: readonly TrinoColumn[];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: { readonly message: string; readonly errorName: string };
}

async function query(uri: string, sql: string): Promise<TrinoRows> {
  // Without the capability times come with milliseconds only.
  const capabilities = { 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' };
  const headers = { 'x-trino-user': 'test', 'x-trino-time-zone': 'UTC', ...capabilities };
  let columns: readonly TrinoColumn[] = [];
  const rows: (readonly unknown[])[] = [];
  let reply = await fetch(`${uri}/v1/statement`, { method: 'POST', headers, body: sql });
  for (;;) {
    const page = exactly(await reply.text());
    if (page.error !== undefined)
      throw new Error(`${sql.slice(0, 200)}: ${page.error.errorName}: ${page.error.message}`);
    columns = page.columns ?? columns;
    rows.push(...(page.data ?? []));
    if (page.nextUri === undefined) return { columns, rows };
    reply = await fetch(page.nextUri, { headers });
  }
}

/** Numbers as text: whole ones may have 64 bits. */
function exactly(text: string): Page {
  const numbers = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(text.replaceAll(numbers, (token) => (token.startsWith('"') ? token : `"${token}"`))) as Page;
}
