/**
 * The window of changes that follows the benchmark's export: seeded updates, inserts and deletes, as an incremental
 * export beside the full one, and what a table must hold after it. Makes it once, then finds it in the cache.
 */
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip, gzipSync } from 'node:zlib';
import { md5Base64 } from '../../src/demo/layout.ts';
import { Random } from '../../src/demo/random.ts';
import { dynamoDbJson } from '../full-export/dialect.ts';
import type { GeneratedExport } from '../full-export/generate.ts';
import { orderLine, type Truth } from '../full-export/orders.ts';

export interface WindowRequest {
  readonly updates: number;
  readonly inserts: number;
  readonly deletes: number;
  readonly cacheDir: string;
}

export interface Chain {
  /** Folder above `AWSDynamoDB`: holds the full export and the window. */
  readonly root: string;
  /** The window's data files. */
  readonly dataFiles: readonly string[];
  readonly changes: number;
  readonly jsonBytes: number;
  readonly gzipBytes: number;
  /** What a table holds behind the window; `items` counts its rows. */
  readonly truth: Truth;
}

export type Item = Record<string, Record<string, unknown>>;

/** Counted up whenever the changes become others. */
const VERSION = 2;
const FILES = 4;
const FROM = '2024-12-31T23:59:00Z';
const TO = '2025-01-01T00:14:00Z';
const FIRST_WRITE_US = BigInt(Date.parse('2025-01-01T00:01:00Z')) * 1000n;
const ACCOUNT = 'arn:aws:dynamodb:eu-central-1:123456789012:table';

/** A folder with the full export and one window behind it. */
export async function generateChain(base: GeneratedExport, request: WindowRequest): Promise<Chain> {
  const { updates, inserts, deletes, cacheDir } = request;
  const size = `${base.truth.items}-${updates}-${inserts}-${deletes}-v${VERSION}`;
  const root = join(cacheDir, 'chains', size);
  const done = join(root, 'generated.json');
  const cached = await readFile(done, 'utf8').catch(() => undefined);
  if (cached !== undefined) {
    const known = JSON.parse(cached) as Omit<Chain, 'root'>;
    // The cache may have been made, or be reached, at another place.
    const dataFiles = known.dataFiles.map((file) => join(root, 'AWSDynamoDB', 'data', basename(file)));
    return { root, ...known, dataFiles };
  }
  await rm(root, { recursive: true, force: true });
  await copyExport(base, root);

  const truth = { ...base.truth };
  const changes: Change[] = [];
  const random = new Random(4711);
  const chosen = choose(base.truth.items, updates + deletes, random);
  let index = 0;
  for await (const line of exportLines(base)) {
    const order = chosen.get(index++);
    if (order === undefined) continue;
    const { Item: old } = JSON.parse(line) as { Item: Item };
    const at = FIRST_WRITE_US + BigInt(changes.length * 1000);
    if (order < updates) {
      const now = updated(old, random);
      truth.totalCents += cents(now) - cents(old);
      changes.push({ at, old, now });
    } else {
      remove(truth, old);
      changes.push({ at, old });
    }
  }
  for (let i = 0; i < inserts; i += 1) {
    const { Item: item } = JSON.parse(orderLine(random, dynamoDbJson, 900, i, truth)) as { Item: Item };
    changes.push({ at: FIRST_WRITE_US + BigInt(changes.length * 1000), now: item });
  }
  const window = { from: Date.parse(FROM), to: Date.parse(TO), files: FILES };
  const chain = { ...(await writeWindow(root, base, shuffled(changes, random), window)), truth };
  await writeFile(done, JSON.stringify(chain, undefined, 2));
  return { root, ...chain };
}

/** Links an export below another root, where windows can lie beside it. */
export async function copyExport(base: GeneratedExport, root: string): Promise<void> {
  const name = base.folder.slice(base.folder.lastIndexOf('/') + 1);
  const folder = join(root, 'AWSDynamoDB', name);
  await mkdir(join(folder, 'data'), { recursive: true });
  for (const file of await readdir(base.folder)) {
    if (file !== 'data') await link(join(base.folder, file), join(folder, file));
  }
  for (const file of await readdir(join(base.folder, 'data'))) {
    await link(join(base.folder, 'data', file), join(folder, 'data', file));
  }
}

/** Indexes of the items that change, each with its place in the order of choice. */
function choose(items: number, count: number, random: Random): Map<number, number> {
  const chosen = new Map<number, number>();
  while (chosen.size < count) {
    const index = random.below(items);
    if (!chosen.has(index)) chosen.set(index, chosen.size);
  }
  return chosen;
}

/** The lines of an export. */
export async function* exportLines(base: GeneratedExport): AsyncGenerator<string> {
  const folder = join(base.folder, 'data');
  for (const name of (await readdir(folder)).sort()) {
    yield* createInterface({ input: createReadStream(join(folder, name)).pipe(createGunzip()) });
  }
}

/** The item after an update: another status, a higher total. */
export function updated(old: Item, random: Random): Item {
  const total = cents(old) + 1 + random.below(10_000);
  return { ...old, status: { S: 'returned' }, total: { N: String(total / 100) }, paid: { BOOL: random.chance(50) } };
}

function cents(item: Item): number {
  return Math.round(Number(item['total']?.['N']) * 100);
}

function remove(truth: Truth, item: Item): void {
  const lines = (item['lines']?.['L'] ?? []) as { M: { qty: { N: string } } }[];
  truth.items -= 1;
  truth.totalCents -= cents(item);
  truth.lines -= lines.length;
  truth.quantity -= lines.reduce((sum, line) => sum + Number(line.M.qty.N), 0);
  if (item['note'] !== undefined) truth.notes -= 1;
}

/** One change; without `now` a delete. */
export interface Change {
  /** Microseconds since 1970. */
  readonly at: bigint;
  readonly old?: Item;
  readonly now?: Item;
}

function changeLine({ at, old, now }: Change): string {
  const { pk, sk } = now ?? old ?? {};
  return JSON.stringify({
    Metadata: { WriteTimestampMicros: { N: String(at) } },
    Keys: { pk, sk },
    ...(old === undefined ? {} : { OldImage: old }),
    ...(now === undefined ? {} : { NewImage: now }),
  });
}

function shuffled<T>(lines: T[], random: Random): T[] {
  for (let i = lines.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [lines[i], lines[j]] = [lines[j] as T, lines[i] as T];
  }
  return lines;
}

/** Writes an incremental export below a root that holds its table's full export. */
export async function writeWindow(
  root: string,
  base: GeneratedExport,
  changes: readonly Change[],
  window: { readonly from: number; readonly to: number; readonly files: number },
): Promise<Omit<Chain, 'root' | 'truth'>> {
  const lines = changes.map(changeLine);
  const shared = join(root, 'AWSDynamoDB', 'data');
  await mkdir(shared, { recursive: true });
  const exportId = `0${window.to}-c0ffee11`;
  const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const size = Math.ceil(lines.length / window.files);
  const entries: object[] = [];
  const dataFiles: string[] = [];
  let jsonBytes = 0;
  let gzipBytes = 0;
  for (let file = 0; file < window.files; file += 1) {
    const part = lines.slice(file * size, (file + 1) * size);
    const text = part.map((line) => `${line}\n`).join('');
    const bytes = gzipSync(text);
    const name = `${exportId}-${file}.json.gz`;
    await writeFile(join(shared, name), bytes);
    dataFiles.push(join(shared, name));
    jsonBytes += Buffer.byteLength(text);
    gzipBytes += bytes.length;
    const dataFileS3Key = `AWSDynamoDB/data/${name}`;
    entries.push({ itemCount: part.length, md5Checksum: md5Base64(bytes), etag: '0-1', dataFileS3Key });
  }
  const full = JSON.parse(await readFile(join(base.folder, 'manifest-summary.json'), 'utf8')) as {
    readonly tableArn: string;
    readonly tableId: string;
  };
  const summary = {
    version: '2023-08-01',
    exportArn: `${full.tableArn}/export/${exportId}`,
    startTime: iso(window.to),
    endTime: iso(window.to),
    tableArn: full.tableArn,
    tableId: full.tableId,
    exportFromTime: iso(window.from),
    exportToTime: iso(window.to),
    s3Bucket: 'tailrace-bench',
    s3Prefix: null,
    s3SseAlgorithm: 'AES256',
    s3SseKmsKeyId: null,
    manifestFilesS3Key: `AWSDynamoDB/${exportId}/manifest-files.json`,
    billedSizeBytes: jsonBytes,
    itemCount: lines.length,
    outputFormat: 'DYNAMODB_JSON',
    outputView: 'NEW_AND_OLD_IMAGES',
    exportType: 'INCREMENTAL_EXPORT',
  };
  if (!full.tableArn.startsWith(ACCOUNT)) throw new Error(`not a bench table: ${full.tableArn}`);
  const folder = join(root, 'AWSDynamoDB', exportId);
  await mkdir(folder, { recursive: true });
  const texts = {
    'manifest-files': entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
    'manifest-summary': JSON.stringify(summary),
  };
  await writeFile(join(folder, '_started'), '');
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(folder, `${name}.json`), text);
    await writeFile(join(folder, `${name}.md5`), md5Base64(text));
  }
  return { dataFiles, changes: lines.length, jsonBytes, gzipBytes };
}
