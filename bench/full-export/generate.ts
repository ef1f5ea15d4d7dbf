/**
 * Generator of the benchmark's exports: seeded, streaming, cached.
 *
 *   npx tsx bench/full-export/generate.ts [--scale 1|4|16] [--items 600000] [--heterogeneous] [--ion]
 *
 * A scale of n holds the seeds 1 … n, so the data files of 1× are part of 4× and 16×: each seed is
 * written once and hard-linked into every export that holds it.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exportFolder, writeManifests } from '../../src/demo/layout.ts';
import { type Dialect, dynamoDbJson, ion } from './dialect.ts';
import type { Truth } from './orders.ts';
import { type Part, partFiles, writePart } from './part.ts';

export interface ExportRequest {
  readonly scale: number;
  /** Items of each seed. */
  readonly items: number;
  readonly heterogeneous: boolean;
  readonly ion: boolean;
  readonly cacheDir: string;
}

export interface GeneratedExport {
  /** The folder that holds manifest-summary.json. */
  readonly folder: string;
  /** Folder above `AWSDynamoDB`. */
  readonly root: string;
  readonly truth: Truth;
  /** Bytes of all lines before compression, and after. */
  readonly jsonBytes: number;
  readonly gzipBytes: number;
  readonly files: number;
}

/** Counted up whenever the items change, so that no cached export of another shape is measured. */
const GENERATOR_VERSION = 1;
export const FULL_SIZE_ITEMS = 600_000;
export const CACHE_DIR = fileURLToPath(new URL('../../.cache/bench', import.meta.url));

/** Makes an export, or finds it in the cache. */
export async function generateExport(request: ExportRequest): Promise<GeneratedExport> {
  const kind = request.heterogeneous ? 'heterogeneous' : 'orders';
  const dialect: Dialect = request.ion ? ion : dynamoDbJson;
  const name = `${kind}-${request.ion ? 'ion' : 'json'}-${request.items}-v${GENERATOR_VERSION}`;
  const root = join(request.cacheDir, 'exports', `${name}-x${request.scale}`);
  const done = join(root, 'generated.json');
  const cached = await readJson<Omit<GeneratedExport, 'folder' | 'root'>>(done);
  const exportId = `0173568960${String(request.scale).padStart(4, '0')}-${request.heterogeneous ? 'b' : 'a'}0ddba11`;
  const folder = exportFolder(root, exportId);
  if (cached !== undefined) return { folder, root, ...cached };

  await rm(root, { recursive: true, force: true });
  await mkdir(join(folder, 'data'), { recursive: true });
  const parts: Part[] = [];
  for (let seed = 1; seed <= request.scale; seed += 1) {
    const partDir = join(request.cacheDir, 'parts', name, `seed-${seed}`);
    const part =
      (await readJson<Part>(join(partDir, 'part.json'))) ?? (await makePart(partDir, request, dialect, seed));
    for (const file of partFiles(part)) await link(join(partDir, file.name), join(folder, 'data', file.name));
    parts.push(part);
  }
  const total = (of: (part: Part) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
  const summary = {
    truth: sumTruth(parts.map((part) => part.truth)),
    jsonBytes: total((part) => part.jsonBytes),
    gzipBytes: total((part) => part.gzipBytes),
    files: total((part) => part.files.length),
  };
  await writeManifests(
    folder,
    {
      tableName: `Bench_${kind}`,
      tableId: request.heterogeneous ? '2f0d2c9e-5b1a-4a37-9a3f-6f1f4f6a0002' : '2f0d2c9e-5b1a-4a37-9a3f-6f1f4f6a0001',
      exportId,
      exportTime: '2025-01-01T00:00:00.000Z',
      outputFormat: dialect.outputFormat,
      bucket: 'tailrace-bench',
      prefix: '',
      billedSizeBytes: summary.jsonBytes,
    },
    parts.flatMap(partFiles),
  );
  await writeFile(done, JSON.stringify(summary, undefined, 2));
  return { folder, root, ...summary };
}

/** A part appears under its name only when it is whole. */
async function makePart(partDir: string, request: ExportRequest, dialect: Dialect, seed: number): Promise<Part> {
  const unfinished = `${partDir}.unfinished-${process.pid}`;
  await rm(partDir, { recursive: true, force: true });
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const part = await writePart(unfinished, {
    seed,
    items: request.items,
    heterogeneous: request.heterogeneous,
    dialect,
  });
  await writeFile(join(unfinished, 'part.json'), JSON.stringify(part, undefined, 2));
  await rename(unfinished, partDir);
  return part;
}

function sumTruth(all: readonly Truth[]): Truth {
  const sum: Truth = { items: 0, totalCents: 0, lines: 0, quantity: 0, notes: 0 };
  for (const truth of all) {
    sum.items += truth.items;
    sum.totalCents += truth.totalCents;
    sum.lines += truth.lines;
    sum.quantity += truth.quantity;
    sum.notes += truth.notes;
  }
  return sum;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      scale: { type: 'string', default: '1' },
      items: { type: 'string', default: String(FULL_SIZE_ITEMS) },
      heterogeneous: { type: 'boolean', default: false },
      ion: { type: 'boolean', default: false },
    },
  });
  const started = performance.now();
  const made = await generateExport({
    scale: Number(values.scale),
    items: Number(values.items),
    heterogeneous: values.heterogeneous,
    ion: values.ion,
    cacheDir: CACHE_DIR,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    JSON.stringify({ ...made, seconds, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }, undefined, 2),
  );
}
