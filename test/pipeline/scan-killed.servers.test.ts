import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seeded } from '../crash/scripts.ts';
import type { DdbItem } from '../data/ion.ts';
import { SEED } from '../seed.ts';
import { serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../servers/versitygw.ts';
import { canonicalItems, catItems, freshFolder } from './harness.ts';
import { itemsOf, Shop } from './scan-harness.ts';

// The command reads a table into S3, and mirrors it again; it is killed at any moment, and its places and the keys that it
// has seen lie in S3 alone: each run has a temporary folder of its own.
// TAILRACE_KILLS=100 TAILRACE_SEED=7 npx vitest run --project servers test/pipeline/scan-killed.servers.test.ts

const KILLS = Number(process.env.TAILRACE_KILLS ?? 4);
const root = join(import.meta.dirname, '..', '..');
const MAIN = ['--import', 'tsx', join(root, 'src', 'cli', 'main.ts')];
/** Of one scan. */
const KILLS_EACH = 2;

/** So that a scan is more than one piece. */
function slowly(outgoing: ServerResponse, body: Buffer): void {
  setTimeout(() => outgoing.writeHead(200, { 'content-length': body.length }).end(body), 20);
}

serverOrSkip('a scan into S3', [VERSITYGW], () => {
  let server: S3Server;
  let restore: () => void;

  beforeAll(async () => {
    server = await startVersitygw();
    await makeBucket(server, 'lake');
    restore = useCredentials(server);
  });
  afterAll(async () => {
    restore?.();
    await server?.stop();
  });

  /** Runs the command until it ends, or until it has asked so often what the table is, before each commit, and so many ms; gives its exit code. */
  async function command(shop: Shop, target: string, runId: string, kill?: readonly [number, number]): Promise<number> {
    const words = [
      'sync',
      'dynamodb:orders',
      target,
      '--run-id',
      runId,
      '--rcu',
      'unlimited',
      '--commit-every',
      '0.01s',
    ];
    const source = ['--source-endpoint', shop.server.endpoint, '--source-region', 'us-east-1', '--max-delete', '50%'];
    const at = ['--target-endpoint', server.endpoint, '--target-region', 'us-east-1', '--threads', '1', '--temp-dir'];
    const argv = [...MAIN, ...words, ...source, ...at, await freshFolder(), '--rejects', await freshFolder()];
    const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const asked = (): number => shop.server.calls.filter(({ operation }) => operation === 'DescribeTable').length;
    const first = asked();
    const [nth, ms] = kill ?? [Number.POSITIVE_INFINITY, 0];
    let code: number | null | undefined;
    void ended.then((ending) => {
      code = ending;
    });
    while (code === undefined && asked() < first + nth) await sleep(2);
    if (code === undefined && ms > 0) await sleep(ms);
    if (code === undefined) child.kill('SIGKILL');
    const ending = await ended;
    if (ending !== null && ending !== 0) throw new Error(`exit ${ending}: ${text}`);
    return ending ?? -1;
  }

  test(
    `faults 22 and 68: ${KILLS} kills, seed ${SEED}: places and seen keys come from S3, and the end is the same`,
    async () => {
      const random = seeded(SEED);
      // Keys so long that places do not fit into the table's properties.
      const long = (items: readonly DdbItem[]): DdbItem[] =>
        items.map((item) => ({ ...item, pk: { S: `${'k'.repeat(900)}${item['pk']?.['S'] as string}` } }));
      const before = long(itemsOf(120));
      const now = [...before.slice(30, 100).map((item) => ({ ...item, n: { N: '7' } })), ...long(itemsOf(30, 500))];
      const beside = new Set<string>();
      for (let [kills, round] = [0, 0]; kills < KILLS; round += 1) {
        await using shop = await Shop.open({ items: before, pageBytes: 2_000 });
        shop.table.mishap = ({ operation }) => (operation === 'Scan' ? { kind: 'own', answer: slowly } : undefined);
        Object.assign(process.env, { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey });
        const target = `${round % 2 === 0 ? 'iceberg' : 'parquet'}:s3://lake/orders-${round}`;
        const options = shop.options({}, { targetAws: { endpoint: server.endpoint, region: 'us-east-1' } });
        for (const [runId, items] of [
          ['first', before],
          ['second', now],
        ] as const) {
          shop.table.items = items;
          shop.server.refresh();
          const known = new Set(canonicalItems([...before, ...items]));
          for (let runs = 0; runs < KILLS_EACH && kills < KILLS; runs += 1) {
            // The runs that begin are not what takes long: most are killed behind a commit.
            const moment = [2 + Math.floor(random() * 4), random() * 200] as const;
            if ((await command(shop, target, runId, moment)) === 0) break;
            kills += 1;
            for (const name of readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' }))
              beside.add(/(places|seen)-[^/]*\.(json|parquet)$/.exec(name)?.[1] ?? '');
            const rows = await catItems(target, options).catch(() => []);
            expect(
              rows.filter((row) => !known.has(row)),
              `seed ${SEED}, kill ${kills}`,
            ).toEqual([]);
            const keys = rows.map((row) => JSON.stringify((JSON.parse(row) as DdbItem)['pk']));
            expect(new Set(keys).size, `seed ${SEED}, kill ${kills}`).toBe(keys.length);
          }
          await command(shop, target, runId);
          expect(await catItems(target, options), `seed ${SEED}, ${kills} kills`).toEqual(canonicalItems(items));
        }
      }
      expect([...beside]).toEqual(expect.arrayContaining(['places', 'seen']));
    },
    300_000 + KILLS * 30_000,
  );
});
