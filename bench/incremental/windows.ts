import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Random } from '../../src/demo/random.ts';
import type { RunContext, SyncOptions } from '../../src/model/options.ts';
import type { SyncReport } from '../../src/model/report.ts';
import { CACHE_DIR, generateExport } from '../full-export/generate.ts';
import { copyExport, exportLines, type Item, updated, writeWindow } from './window.ts';

/** The table after some number of small windows. */
export interface WindowPoint {
  readonly windows: number;
  /** Milliseconds a window, of those since the last point. */
  readonly commitMs: number;
  /** The same of processor time, which other processes spoil less. */
  readonly cpuMs: number;
  /** Milliseconds to read every row once. */
  readonly readMs: number;
  readonly dataFiles: number;
  readonly deleteFiles: number;
  /** Everything below the table's folder. */
  readonly objects: number;
  /** Size of the newest metadata file. */
  readonly metadataBytes: number;
}

export interface WindowsRequest {
  /** The built command; the library lies beside it. */
  readonly main: string;
  readonly count: number;
  readonly workDir: string;
  readonly log: (line: string) => void;
}

type Library = typeof import('../../src/index.ts');

const ITEMS = 60_000;
const CHANGES = 60;
const POINTS = 10;

/** Merges many small windows, one commit each, and looks at the table now and then. */
export async function measureWindows({ main, count, workDir, log }: WindowsRequest): Promise<WindowPoint[]> {
  const library = (await import(pathToFileURL(join(dirname(main), '..', 'index.js')).href)) as Library;
  const base = await generateExport({ scale: 1, items: ITEMS, heterogeneous: false, ion: false, cacheDir: CACHE_DIR });
  const root = join(workDir, 'windows');
  const target = join(workDir, 'windows-table');
  await copyExport(base, root);
  const options: SyncOptions = { ...library.defaultOptions(), threads: 2 };
  const keyed: SyncOptions = { ...options, schema: { ...options.schema, key: ['pk', 'sk'] } };
  const run = async (): Promise<SyncReport> => {
    const report = await library.sync(root, target, keyed, quiet());
    if (report.outcome === 'failed') throw new Error(JSON.stringify(report.error));
    return report;
  };
  await run();
  const random = new Random(7);
  const items: Item[] = [];
  for await (const line of exportLines(base)) items.push((JSON.parse(line) as { Item: Item }).Item);
  const points: WindowPoint[] = [];
  const step = Math.max(1, Math.floor(count / POINTS));
  let from = Date.parse('2024-12-31T23:59:00Z');
  for (let done = 0; done < count; done += step) {
    for (let i = 0; i < step; i += 1) {
      const to = from + 900_000;
      const changes = Array.from({ length: CHANGES }, (_, n) => {
        const index = random.below(items.length);
        const old = items[index] as Item;
        items[index] = updated(old, random);
        return { at: BigInt(Math.max(from, from + 60_000) + n) * 1000n, old, now: items[index] };
      });
      const net = [
        ...new Map(changes.map((change) => [JSON.stringify([change.old['pk'], change.old['sk']]), change])).values(),
      ];
      await writeWindow(root, base, net, { from, to, files: 1 });
      from = to;
    }
    const started = performance.now();
    const cpu = process.cpuUsage();
    await run();
    const commitMs = (performance.now() - started) / step;
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1000 / step;
    points.push({ ...(await look(library, target, keyed, done + step)), commitMs, cpuMs });
    const last = points.at(-1);
    log(`windows ${done + step}: ${JSON.stringify(last)}`);
  }
  await rm(root, { recursive: true, force: true });
  await rm(target, { recursive: true, force: true });
  return points;
}

async function look(
  library: Library,
  target: string,
  options: SyncOptions,
  windows: number,
): Promise<Omit<WindowPoint, 'commitMs' | 'cpuMs'>> {
  const started = performance.now();
  const result = await library.query(target, 'select count(*), sum(total) from t', options, quiet());
  for await (const row of result.rows) if (Number(row[0]) !== ITEMS) throw new Error(`rows: ${String(row[0])}`);
  await result.close();
  const readMs = performance.now() - started;
  await mkdir(join(target, 'metadata'), { recursive: true });
  const metadata = (await readdir(join(target, 'metadata'))).filter((name) => name.endsWith('.metadata.json'));
  const newest =
    metadata.sort((a, b) => Number.parseInt(a.slice(1), 10) - Number.parseInt(b.slice(1), 10)).at(-1) ?? '';
  const text = await readFile(join(target, 'metadata', newest), 'utf8');
  const objects = (await readdir(target, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  // The current snapshot is the last one; its summary counts the files.
  const totals = [...text.matchAll(/"total-(data|delete)-files":"(\d+)"/g)].slice(-2);
  const total = (kind: string): number => Number(totals.find((match) => match[1] === kind)?.[2] ?? 0);
  return {
    windows,
    readMs,
    dataFiles: total('data'),
    deleteFiles: total('delete'),
    objects: objects.length,
    metadataBytes: (await stat(join(target, 'metadata', newest))).size,
  };
}

function quiet(): RunContext {
  return { signal: new AbortController().signal, onProgress: () => undefined, log: () => undefined };
}
