/**
 * The benchmark of a scan, in one go:
 *
 *   npm run build && npx tsx bench/scan/run.ts
 *
 * --servers canned,local    canned pages, DynamoDB Local
 * --items 205000            items of the table of canned pages
 * --local-items 20000       items of the table in DynamoDB Local, whose pages cost more the more items there are
 * --rounds 3                rounds of everyone; peers in Python take a minute each
 * --only tailrace,raw       contenders by their first word
 * --scales 1,4,16           tables that tailrace alone reads, for its memory
 * --out bench/results       trials go to .cache/bench/results unless this is given
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDynamoDbLocal } from '../../test/servers/dynamodb-local.ts';
import { describeEnvironment } from '../environment.ts';
import { chosen, count, withoutFolder } from '../full-export/arguments.ts';
import { MAIN } from '../full-export/contenders.ts';
import { CACHE_DIR } from '../full-export/generate.ts';
import { alternate, type Contender, PYTHON, runCommand, type Sample } from '../measure.ts';
import { pairRatios, spread } from '../statistics.ts';
import { ordersOf } from './orders.ts';

const SERVERS = ['canned', 'local'] as const;
const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: SERVERS.join(',') },
    'local-items': { type: 'string', default: '20000' },
    items: { type: 'string', default: '205000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'tailrace,raw,loop,awswrangler' },
    scales: { type: 'string', default: '1,4,16' },
    out: { type: 'string' },
  },
});
const servers = chosen(values.servers, SERVERS);
const items = count(values.items, '--items');
const localItems = count(values['local-items'], '--local-items');
const rounds = count(values.rounds, '--rounds');
const scales = values.scales === '' ? [] : values.scales.split(',').map((text) => count(text, '--scales'));
const outDir = values.out ?? join(CACHE_DIR, 'results');
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
if (!existsSync(MAIN)) throw new Error('tailrace is not built: npm run build');

interface Server {
  readonly endpoint: string;
  readonly bytes: number;
  close(): Promise<void>;
}

async function serve(times: number): Promise<Server> {
  const child = spawn(process.execPath, ['--import', 'tsx', here('server.ts'), String(items), String(times)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(String(data))),
  );
  const { port, bytes } = JSON.parse(line) as { port: number; bytes: number };
  return { endpoint: `http://127.0.0.1:${port}`, bytes, close: async () => void child.kill() };
}

const env = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench', AWS_DEFAULT_REGION: 'us-east-1' };

/** DynamoDB Local with the same orders, put there before anything is measured. */
async function local(): Promise<Server> {
  const { endpoint, stop } = await startDynamoDbLocal();
  const file = join(workDir, 'orders.json');
  const lines = ordersOf(localItems);
  await writeFile(file, lines.join(''));
  const how = ['--format', 'ddb-json', '--create-table', '--key', 'pk,sk', '--wcu', 'unlimited'];
  const fill = [process.execPath, MAIN, 'load', file, 'dynamodb:orders', ...how];
  await runCommand(fill, { ...env, AWS_ENDPOINT_URL_DYNAMODB: endpoint, XDG_STATE_HOME: workDir });
  return { endpoint, bytes: Buffer.byteLength(lines.join('')), close: stop };
}

/** A raw socket says something of this machine only where pages cost their server nothing. */
function contenders(server: (typeof SERVERS)[number], endpoint: string): Contender[] {
  const all: Contender[] = [
    tailrace('tailrace', endpoint),
    ...[1, 8].map(
      (segments): Contender => ({
        name: `raw socket, ${segments} segment${segments === 1 ? '' : 's'}, nothing written`,
        clock: 'printed',
        steps: () => [[process.execPath, here('raw.mjs'), endpoint, String(segments)]],
      }),
    ),
    {
      name: 'loop as in document 0',
      clock: 'printed',
      env,
      steps: (dir) => [[PYTHON, here('loop.py'), endpoint, dir]],
    },
    {
      name: 'awswrangler read_items, to_parquet',
      clock: 'printed',
      env,
      steps: (dir) => [[PYTHON, here('read_items.py'), endpoint, dir]],
    },
  ];
  const wanted = values.only.split(',').filter((word) => server === 'canned' || word !== 'raw');
  return all.filter(({ name }) => wanted.some((word) => name.startsWith(word)));
}

function tailrace(name: string, endpoint: string): Contender {
  const fixed = ['--source-endpoint', endpoint, '--source-region', 'us-east-1', '--rcu', 'unlimited', '--json'];
  return {
    name,
    clock: 'whole process',
    env,
    steps: (dir) => [[process.execPath, MAIN, 'sync', 'dynamodb:orders', join(dir, 'table'), ...fixed]],
  };
}

const results = new Map<string, { readonly bytes: number; readonly samples: ReadonlyMap<string, readonly Sample[]> }>();
await mkdir(CACHE_DIR, { recursive: true });
const workDir = await mkdtemp(join(CACHE_DIR, 'work-'));
try {
  for (const name of servers) {
    const server = name === 'canned' ? await serve(1) : await local();
    const plan = { warmUps: 1, rounds, workDir, log };
    const samples = await alternate(contenders(name, server.endpoint), plan).finally(() => server.close());
    results.set(name, { bytes: server.bytes, samples });
  }
  const sizes = new Map<string, Sample[]>();
  for (const scale of scales) {
    const larger = await serve(scale);
    const name = `${scale}×`;
    const plan = { warmUps: 0, rounds: 1, workDir, log };
    const samples = await alternate([tailrace(name, larger.endpoint)], plan).finally(() => larger.close());
    sizes.set(name, samples.get(name) ?? []);
  }
  await mkdir(outDir, { recursive: true });
  await writeFile(join(outDir, 'scan.md'), page(sizes));
  log(`results in ${withoutFolder(outDir)}`);
} finally {
  await rm(workDir, { recursive: true, force: true });
}

function page(sizes: ReadonlyMap<string, readonly Sample[]>): string {
  const row = (name: string, samples: readonly Sample[], count_: number, own: readonly number[] = []): string => {
    const seconds = spread(samples.map((sample) => sample.seconds));
    const cpu = spread(samples.map((sample) => sample.userSeconds + sample.systemSeconds));
    const peak = Math.max(...samples.map((sample) => sample.peakBytes / 1e6));
    const others = samples.map((sample) => sample.seconds);
    const ratio = others.length === own.length && own.length > 0 ? pairRatios(others, own).median.toFixed(2) : '';
    const rate = Math.round(count_ / seconds.median).toLocaleString('en');
    return `| ${name} | ${seconds.median.toFixed(2)} | ${seconds.min.toFixed(2)} – ${seconds.max.toFixed(2)} | ${rate} | ${cpu.median.toFixed(1)} | ${peak.toFixed(0)} | ${ratio} |`;
  };
  const head =
    '| what | s, median | min – max | items/s | CPU s | peak MB | × tailrace |\n|---|---|---|---|---|---|---|';
  const told: Record<(typeof SERVERS)[number], (bytes: string) => string> = {
    canned: (mb) =>
      `## Canned pages\n\n${items.toLocaleString('en')} items, ${mb} MB of pages, from a server of canned pages on the same machine. On two cores half of the raw socket is out of reach: the engine alone, given the same bytes as files and the schema, writes some 347,000 items a second (docs/internals/decisions/2026-11-21-scan-speed.md).`,
    local: (mb) =>
      `## DynamoDB Local\n\n${localItems.toLocaleString('en')} items, ${mb} MB as lines. Most of the time is the server’s own, on the same cores: each of its pages costs it the more, the more items there are.`,
  };
  const tables = servers.flatMap((name) => {
    const result = results.get(name);
    if (result === undefined) return [];
    const own = (result.samples.get('tailrace') ?? []).map(({ seconds }) => seconds);
    const of = name === 'canned' ? items : localItems;
    const rows = [...result.samples].map(([what, samples]) => row(what, samples, of, own));
    return [told[name]((result.bytes / 1e6).toFixed(0)), [head, ...rows].join('\n')];
  });
  return `${[
    '# A scan of a table becomes a table: results',
    'tailrace writes an Iceberg table, proved and committed; its time is that of the whole process. The peers’ times are without their start. Server and client share the cores.',
    ...tables,
    '## Larger tables (tailrace, canned pages)',
    [head, ...[...sizes].map(([name, samples]) => row(name, samples, items * Number.parseInt(name, 10)))].join('\n'),
    '## Environment',
    Object.entries(describeEnvironment())
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `Measured with \`npx tsx bench/scan/run.ts ${process.argv.slice(2).map(withoutFolder).join(' ')}\`. MB are 10⁶ bytes. How it is measured: [bench/README.md](../README.md).`,
  ].join('\n\n')}\n`;
}
