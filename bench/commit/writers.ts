/** Those who commit: each appends the same few rows, in a file and a commit of their own, to a table of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fileTable } from '../../src/catalog/files/table.ts';
import type { Catalog, CatalogTable } from '../../src/catalog/port.ts';
import { copyRows } from '../../src/engine/duckdb/copy.ts';
import { type Duck, openDuckDb } from '../../src/engine/duckdb/instance.ts';
import { defaultOptions } from '../../src/index.ts';
import { JOIN_BY_THE_WAY } from '../../src/maintain/metadata.ts';
import { withWindow } from '../../src/model/ledger.ts';
import type { TableSchema } from '../../src/model/schema.ts';
import type { DataFile, Ledger, StagedCommit, TableHandle } from '../../src/model/table.ts';
import { openCatalog } from '../../src/pipeline/ends/catalogs.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { PYTHON } from '../measure.ts';
import { NAMESPACE, type Server } from './servers.ts';

/** What one commit cost: of processor time only the writer's own process counts, not the server's. */
export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  /** Tries before that failed, outside the clock. */
  readonly failures?: number;
}

export interface Writer {
  /** Loads the table, writes a file of `ROWS` rows, and commits it. */
  append(n: number): Promise<Cost>;
  /** Rows that readers see. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** Rows of one commit. */
export const ROWS = 10;

const SCHEMA: TableSchema = {
  columns: [
    { id: 1, name: 'pk', attr: 'pk', tag: 'S', type: { kind: 'string' } },
    { id: 2, name: 'n', attr: 'n', tag: 'N', type: { kind: 'long' } },
    { id: 3, name: 'amount', attr: 'amount', tag: 'N', type: { kind: 'decimal', precision: 18, scale: 2 } },
    { id: 4, name: 'note', attr: 'note', tag: 'S', type: { kind: 'string' } },
  ],
  derived: [],
  system: [],
  keys: ['pk'],
  lastFieldId: 4,
};

/** tailrace, by the parts of which `sync` consists. */
export class Tailrace implements Writer {
  readonly #table: CatalogTable;
  readonly #handle: TableHandle;
  readonly #catalog: Catalog | undefined;
  readonly #duck: Duck;
  readonly #workDir: string;
  #ledger: Ledger | undefined;

  private constructor(table: CatalogTable, catalog: Catalog | undefined, duck: Duck, workDir: string) {
    this.#table = table;
    this.#handle = icebergTable(table);
    this.#catalog = catalog;
    this.#duck = duck;
    this.#workDir = workDir;
  }

  /** Makes the table, with a first commit that adds no rows. */
  static async open(server: Server, name: string, workDir: string): Promise<Tailrace> {
    const dir = join(workDir, `tailrace-${name}`);
    await mkdir(dir, { recursive: true });
    const limits = { memoryLimitBytes: 1_000_000_000, tempBudgetBytes: 1_000_000_000, threads: 2, tempDir: dir };
    const { table, catalog } = await openOurs(server, name, workDir);
    const writer = new Tailrace(table, catalog, await openDuckDb(limits), dir);
    await writer.#commit([], randomUUID());
    return writer;
  }

  async append(n: number): Promise<Cost> {
    const cpu = process.cpuUsage();
    const started = performance.now();
    const commitId = randomUUID();
    const base = await this.#handle.load();
    await this.#commit(await this.#file(n, commitId), commitId, base);
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    return { ms, cpuMs: (user + system) / 1000 };
  }

  /** Forgets all snapshots but the newest few; gives the milliseconds that it took. */
  async expire(keep: number): Promise<number> {
    const started = performance.now();
    const now = Date.now();
    const options = { olderThanMs: now, minKeep: keep, timestampMs: now };
    const expiry = await this.#handle.upkeep?.expireSnapshots(options);
    if (expiry?.outcome !== 'expired' && expiry?.outcome !== 'nothing') throw new Error(expiry?.reason ?? 'no upkeep');
    return performance.now() - started;
  }

  async count(): Promise<number> {
    return (await this.#handle.load())?.rows ?? 0;
  }

  async close(): Promise<void> {
    this.#duck.close();
    await this.#table.storage.close();
    await this.#catalog?.close();
  }

  async #file(n: number, commitId: string): Promise<readonly DataFile[]> {
    const outDir = join(this.#workDir, 'out');
    const [from, to] = [n * ROWS, (n + 1) * ROWS];
    const select = `SELECT 'order-' || k AS pk, k AS n, (k / 4)::DECIMAL(18, 2) AS amount, 'note of ' || k AS note FROM range(${from}, ${to}) t(k)`;
    const job = { schema: SCHEMA, partition: [], sort: [], outDir, targetFileSizeBytes: 128_000_000 };
    const files: DataFile[] = [];
    for (const { path: local, rows, stats, splitOffsets } of await copyRows(this.#duck, select, job)) {
      const path = this.#handle.dataFilePath(commitId, [], [], `${files.length}.parquet`);
      const { sizeBytes } = await this.#table.storage.adopt(this.#table.storage.key(path), local);
      files.push({ path, rows, sizeBytes, partition: [], stats, splitOffsets });
    }
    await rm(outDir, { recursive: true, force: true });
    return files;
  }

  async #commit(files: readonly DataFile[], commitId: string, base?: Awaited<ReturnType<TableHandle['load']>>) {
    const ledger = ledgerOf(this.#ledger, commitId);
    const staged: StagedCommit = {
      operation: base === undefined ? 'create' : 'merge',
      schema: SCHEMA,
      partition: [],
      sort: [],
      files,
      ledger,
      commitId,
      timestampMs: Date.now(),
      ...(base === undefined ? {} : { joinManifests: JOIN_BY_THE_WAY }),
    };
    const outcome = await this.#handle.commit(staged, base);
    if (outcome.kind !== 'committed') throw new Error(`${outcome.kind}: ${outcome.reason}`);
    this.#ledger = ledger;
  }
}

/** A quarter of an hour more with each commit, as windows come. */
function ledgerOf(former: Ledger | undefined, commitId: string): Ledger {
  const tableArn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders';
  const from = former?.watermark ?? '2026-01-01T00:00:00.000Z';
  const to = new Date(Date.parse(from) + 900_000).toISOString();
  const exportArn = `${tableArn}/export/${String(Date.parse(from)).padStart(14, '0')}-0a1b2c3d`;
  const entry = { kind: 'window', exportArn, from, to, items: ROWS, rejected: 0 } as const;
  const table = { tableArn, tableId: '6f1f0d9e-0000-4000-8000-000000000001' };
  return withWindow(former ?? table, entry, commitId);
}

async function openOurs(
  server: Server,
  name: string,
  workDir: string,
): Promise<{ readonly table: CatalogTable; readonly catalog?: Catalog }> {
  if (server.settings === undefined) {
    const storage = localStorage('/');
    return { table: fileTable(storage, join(workDir, 'files', name).slice(1)) };
  }
  const options = { ...defaultOptions(), catalogs: { bench: server.settings }, targetAws: server.aws };
  const catalog = await openCatalog('bench', options, (storage) => storage);
  const table = await catalog.open(
    { namespace: [NAMESPACE], table: name },
    { purpose: 'write', createNamespace: true },
  );
  if (table === undefined) throw new Error(`no table ${name}`);
  return { table, catalog };
}

/** PyIceberg, in a process of its own that holds the catalog open. */
export class PyIceberg implements Writer {
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;
  #stderr = '';

  private constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error('no stdout');
    this.#process = child;
    this.#replies = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4_000);
    });
  }

  /** Makes the table, empty. */
  static async open(server: Server, name: string): Promise<PyIceberg> {
    const { properties, location } = server.pyiceberg ?? {};
    if (properties === undefined) throw new Error(`PyIceberg does not know ${server.title}`);
    const script = fileURLToPath(new URL('pyiceberg_writer.py', import.meta.url));
    const writer = new PyIceberg(spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'pipe'] }));
    const place = location === undefined ? {} : { location: join(location, name) };
    await writer.#ask({ catalog: properties, table: `${NAMESPACE}.${name}`, rows: ROWS, ...place });
    return writer;
  }

  append(n: number): Promise<Cost> {
    return this.#ask<Cost>({ append: n });
  }

  count(): Promise<number> {
    return this.#ask<number>({ count: true });
  }

  async close(): Promise<void> {
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.stdin?.end();
    await ended;
  }

  async #ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    for (;;) {
      const { value, done } = await this.#replies.next();
      if (done === true) throw new Error(`PyIceberg has ended: ${this.#stderr}`);
      if (!value.startsWith('@@')) continue;
      const { reply, error } = JSON.parse(value.slice(2)) as { reply: T; error?: string };
      if (error !== undefined) throw new Error(error);
      return reply;
    }
  }
}
