/**
 * The window of changes that follows the benchmark's export: seeded updates, inserts and deletes, as an incremental
 * export beside the full one, and what a table must hold after it. Makes it once, then finds it in the cache.
 */
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

type Item = Record<string, Record<string, unknown>>;

/** Counted up whenever the changes become others. */
const VERSION = 1;
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
  if (cached !== undefined) return { root, ...(JSON.parse(cached) as Omit<Chain, 'root'>) };
  await rm(root, { recursive: true, force: true });
  await linkExport(base, root);

  const truth = { ...base.truth };
  const lines: string[] = [];
  const random = new Random(4711);
  const chosen = choose(base.truth.items, updates + deletes, random);
  let index = 0;
  for await (const line of exportLines(base)) {
    const order = chosen.get(index++);
    if (order === undefined) continue;
    const { Item: old } = JSON.parse(line) as { Item: Item };
    const at = FIRST_WRITE_US + BigInt(lines.length * 1000);
    if (order < updates) {
      const now = updated(old, random);
      truth.totalCents += cents(now) - cents(old);
      lines.push(changeLine(at, old, now));
    } else {
      remove(truth, old);
      lines.push(changeLine(at, old, undefined));
    }
  }
  for (let i = 0; i < inserts; i += 1) {
    const { Item: item } = JSON.parse(orderLine(random, dynamoDbJson, 900, i, truth)) as { Item: Item };
    lines.push(changeLine(FIRST_WRITE_US + BigInt(lines.length * 1000), undefined, item));
  }
  const chain = await writeWindow(root, base, shuffled(lines, random), truth);
  await writeFile(done, JSON.stringify(chain, undefined, 2));
  return { root, ...chain };
}

async function linkExport(base: GeneratedExport, root: string): Promise<void> {
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

async function* exportLines(base: GeneratedExport): AsyncGenerator<string> {
  const folder = join(base.folder, 'data');
  for (const name of (await readdir(folder)).sort()) {
    yield* createInterface({ input: createReadStream(join(folder, name)).pipe(createGunzip()) });
  }
}

function updated(old: Item, random: Random): Item {
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

function changeLine(at: bigint, old: Item | undefined, now: Item | undefined): string {
  const { pk, sk } = now ?? old ?? {};
  return JSON.stringify({
    Metadata: { WriteTimestampMicros: { N: String(at) } },
    Keys: { pk, sk },
    ...(old === undefined ? {} : { OldImage: old }),
    ...(now === undefined ? {} : { NewImage: now }),
  });
}

function shuffled(lines: string[], random: Random): string[] {
  for (let i = lines.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [lines[i], lines[j]] = [lines[j] ?? '', lines[i] ?? ''];
  }
  return lines;
}

async function writeWindow(
  root: string,
  base: GeneratedExport,
  lines: readonly string[],
  truth: Truth,
): Promise<Omit<Chain, 'root'>> {
  const shared = join(root, 'AWSDynamoDB', 'data');
  await mkdir(shared, { recursive: true });
  const exportId = '01735690440001-c0ffee11';
  const size = Math.ceil(lines.length / FILES);
  const entries: object[] = [];
  const dataFiles: string[] = [];
  let jsonBytes = 0;
  let gzipBytes = 0;
  for (let file = 0; file < FILES; file += 1) {
    const part = lines.slice(file * size, (file + 1) * size);
    const text = part.map((line) => `${line}\n`).join('');
    const bytes = gzipSync(text);
    const name = `window${file}.json.gz`;
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
    startTime: TO,
    endTime: TO,
    tableArn: full.tableArn,
    tableId: full.tableId,
    exportFromTime: FROM,
    exportToTime: TO,
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
  return { dataFiles, changes: lines.length, jsonBytes, gzipBytes, truth };
}
