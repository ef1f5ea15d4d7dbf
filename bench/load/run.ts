/**
 * The benchmark of items into DynamoDB:
 *
 *   npm run build && npx tsx bench/load/run.ts
 *
 * --servers sink,dynalite,local             where to (default: all)
 * --items 100000                            items for the sink; the servers that keep them get a tenth
 * --rounds 5
 * --out bench/results                       trials go to .cache/bench/results unless this is given
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { itemsOf, makeTable } from '../../test/load/dynamo.ts';
import { type DynamoServer, startDynalite, startDynamoDbLocal } from '../../test/servers/dynamodb-local.ts';
import { describeEnvironment } from '../environment.ts';
import { chosen, count, withoutFolder } from '../full-export/arguments.ts';
import { MAIN } from '../full-export/contenders.ts';
import { CACHE_DIR } from '../full-export/generate.ts';
import { alternate, type Contender, PYTHON, type Sample } from '../measure.ts';
import { pairRatios, spread } from '../statistics.ts';

const SERVERS = ['sink', 'dynalite', 'local'] as const;
const FULL_ITEMS = 100_000;
const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: SERVERS.join(',') },
    items: { type: 'string', default: String(FULL_ITEMS) },
    rounds: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
const servers = chosen(values.servers, SERVERS);
const items = count(values.items, '--items');
const rounds = count(values.rounds, '--rounds');
const outDir = values.out ?? join(CACHE_DIR, 'results');
const here = fileURLToPath(new URL('.', import.meta.url));
const log = (line: string): void => void process.stderr.write(`${line}\n`);
if (!existsSync(MAIN)) throw new Error('tailrace is not built: npm run build');

interface Target {
  readonly server: DynamoServer;
  /** A fresh table, or the only one there is. */
  readonly table: () => Promise<string>;
  readonly there: (table: string) => Promise<number>;
}

const results = new Map<string, { readonly items: number; readonly samples: ReadonlyMap<string, readonly Sample[]> }>();
await mkdir(CACHE_DIR, { recursive: true });
const workDir = await mkdtemp(join(CACHE_DIR, 'work-'));
try {
  for (const name of servers) {
    const target = await open(name);
    try {
      const size = name === 'sink' ? items : Math.ceil(items / 10);
      log(`${name}: ${size} items`);
      results.set(name, { items: size, samples: await measure(target, size) });
    } finally {
      await target.server.stop();
    }
  }
  await write();
} finally {
  await rm(workDir, { recursive: true, force: true });
}

async function measure(target: Target, size: number): Promise<Map<string, Sample[]>> {
  const file = join(workDir, `items-${size}.jsonl`);
  await writeFile(file, Array.from({ length: size }, (_, n) => line(n)).join('\n'));
  const { endpoint, env } = target.server;
  let table = '';
  let before = 0;
  const shared = {
    env: { ...env, AWS_DEFAULT_REGION: 'us-east-1', XDG_STATE_HOME: workDir },
    clock: 'whole process' as const,
    before: async () => {
      table = await target.table();
      before = await target.there(table);
    },
    check: async () => {
      const there = (await target.there(table)) - before;
      if (there !== size) throw new Error(`${there} items are there in place of ${size}`);
    },
  };
  const boto3 = (threads: number): Contender => ({
    ...shared,
    name: threads === 1 ? 'boto3 batch writer' : `boto3 batch writer, ${threads} threads`,
    steps: () => [[PYTHON, join(here, 'batch_writer.py'), endpoint, table, file, String(threads)]],
  });
  const own: Contender = {
    ...shared,
    name: 'tailrace',
    steps: () => [[process.execPath, MAIN, 'load', file, `dynamodb:${table}`, '--wcu', 'unlimited']],
  };
  return alternate([boto3(1), boto3(8), own], { warmUps: 1, rounds, workDir, log });
}

/** An order of some 400 bytes: texts, whole numbers and others, a list, a map. */
function line(n: number): string {
  const lines = Array.from({ length: 2 }, (_, place) => ({
    sku: `sku-${(n * 7 + place) % 5000}`,
    quantity: 1 + ((n + place) % 9),
    price: 0.5 + ((n * 13 + place) % 100),
  }));
  return JSON.stringify({
    id: `order-${String(n).padStart(8, '0')}`,
    customer: `customer-${n % 10_000}`,
    created_at: new Date(1_750_000_000_000 + n * 1000).toISOString(),
    paid: n % 3 === 0,
    total: n + 0.25,
    address: {
      city: ['Lyon', 'Kraków', 'Porto'][n % 3],
      zip: String(10_000 + (n % 9000)),
      note: n % 5 === 0 ? null : 'ring twice',
    },
    lines,
  });
}

async function open(name: (typeof SERVERS)[number]): Promise<Target> {
  if (name === 'sink') return sink();
  const server = name === 'local' ? await startDynamoDbLocal() : await startDynalite();
  return {
    server,
    table: () => makeTable(server.endpoint, 'id:S'),
    there: async (table) => (await itemsOf(server.endpoint, table)).length,
  };
}

async function sink(): Promise<Target> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(here, 'sink.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endpoint = await new Promise<string>((done) => child.stdout.once('data', (text) => done(String(text).trim())));
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
  return {
    server: { endpoint, env, stop: async () => void child.kill() },
    table: async () => 'orders',
    there: async () => ((await (await fetch(endpoint)).json()) as { puts: number }).puts,
  };
}

async function write(): Promise<void> {
  const named = {
    sink: 'a server that keeps nothing: the client alone',
    dynalite: 'dynalite',
    local: 'DynamoDB Local',
  };
  const two = (value: number): string => value.toFixed(2);
  const sections = [
    '# Items into DynamoDB: results',
    'Ratios are of times, taken round by round: how many times as long as tailrace the other takes. Times are of whole processes, their start included.',
  ];
  for (const [name, { items: size, samples }] of results) {
    const own = (samples.get('tailrace') ?? []).map(({ seconds }) => seconds);
    const rows = [...samples].map(([contender, list]) => {
      const seconds = spread(list.map((sample) => sample.seconds));
      const cpu = spread(list.map((sample) => sample.userSeconds + sample.systemSeconds));
      const peak = spread(list.map((sample) => sample.peakBytes / 1e6));
      const ratio = pairRatios(
        list.map((sample) => sample.seconds),
        own,
      );
      return `| ${contender} | ${two(ratio.median)} (${two(ratio.min)} – ${two(ratio.max)}) | ${two(seconds.median)} | ${Math.round(size / seconds.median).toLocaleString('en')} | ${cpu.median.toFixed(1)} | ${peak.median.toFixed(0)} |`;
    });
    sections.push(
      `## ${size.toLocaleString('en')} items into ${named[name as keyof typeof named]}`,
      [
        '| what | ratio, median (min – max) | s, median | items/s | CPU s | peak MB |',
        '|---|---|---|---|---|---|',
        ...rows,
      ].join('\n'),
    );
  }
  const environment = describeEnvironment();
  const command = ['npx tsx bench/load/run.ts', ...process.argv.slice(2).map(withoutFolder)].join(' ');
  sections.push(
    '## Environment',
    Object.entries(environment)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
  );
  sections.push(`Measured with \`${command}\`. MB are 10⁶ bytes. How it is measured: [bench/README.md](../README.md).`);
  const page = `${sections.join('\n\n')}\n`;
  await mkdir(outDir, { recursive: true });
  await writeFile(join(outDir, 'load.md'), page);
  const plain = [...results].map(([name, { items: size, samples }]) => [name, { items: size, samples: [...samples] }]);
  await writeFile(
    join(outDir, 'load.json'),
    `${JSON.stringify({ environment, command, results: plain }, undefined, 2)}\n`,
  );
  process.stdout.write(page);
}
