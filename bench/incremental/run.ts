/**
 * The benchmark of a window of changes, in one go:
 *
 *   npm run build && npx tsx bench/incremental/run.ts
 *
 * --parts main,scale,windows                what to measure (default: all)
 * --rounds 3      --light-rounds 7          rounds of everyone, then more rounds of the fast ones
 * --scales 1,4,16                           tables that one window of the same size is merged into
 * --windows 1000                            small windows in a row
 * --items 600000                            rows of the table at 1×; changes are a tenth of them
 * --out bench/results                       trials go to .cache/bench/results unless this is given
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeEnvironment } from '../environment.ts';
import { chosen, count, withoutFolder } from '../full-export/arguments.ts';
import { MAIN } from '../full-export/contenders.ts';
import { CACHE_DIR, FULL_SIZE_ITEMS, generateExport } from '../full-export/generate.ts';
import { alternate, type Sample } from '../measure.ts';
import { deltaRs, pyiceberg, type Setting, spark, tailrace } from './contenders.ts';
import { type Results, renderResults } from './report.ts';
import { generateChain } from './window.ts';
import { measureWindows, type WindowPoint } from './windows.ts';

const PARTS = ['main', 'scale', 'windows'] as const;
const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: PARTS.join(',') },
    rounds: { type: 'string', default: '3' },
    'light-rounds': { type: 'string', default: '7' },
    scales: { type: 'string', default: '1,4,16' },
    windows: { type: 'string', default: '1000' },
    items: { type: 'string', default: String(FULL_SIZE_ITEMS) },
    out: { type: 'string' },
  },
});
const parts = chosen(values.parts, PARTS);
const items = count(values.items, '--items');
const rounds = count(values.rounds, '--rounds');
const lightRounds = count(values['light-rounds'], '--light-rounds');
const windows = count(values.windows, '--windows');
const outDir =
  values.out ??
  (items === FULL_SIZE_ITEMS ? fileURLToPath(new URL('../results', import.meta.url)) : join(CACHE_DIR, 'results'));
if (!existsSync(MAIN)) throw new Error('tailrace is not built: npm run build');
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

await mkdir(CACHE_DIR, { recursive: true });
const workDir = await mkdtemp(join(CACHE_DIR, 'work-'));
try {
  await writeResults(await measureAll());
} finally {
  await rm(workDir, { recursive: true, force: true });
}

async function measureAll(): Promise<Results> {
  const main = parts.includes('main') ? await measureEveryone(await setting(1)) : new Map<string, Sample[]>();
  const scales = new Map<string, Sample[]>();
  if (parts.includes('scale')) {
    for (const scale of values.scales.split(',').map((text) => count(text, '--scales'))) {
      const name = `${scale}×`;
      const samples = await alternate([tailrace(await setting(scale), name)], { warmUps: 1, rounds, workDir, log });
      scales.set(name, samples.get(name) ?? []);
    }
  }
  const points: readonly WindowPoint[] = parts.includes('windows')
    ? await measureWindows({ main: MAIN, count: windows, workDir, log })
    : [];
  return {
    environment: describeEnvironment(),
    command: ['npx tsx bench/incremental/run.ts', ...process.argv.slice(2).map(withoutFolder)].join(' '),
    items,
    main,
    scales,
    points,
  };
}

async function setting(scale: number): Promise<Setting> {
  const base = await generateExport({ scale, items, heterogeneous: false, ion: false, cacheDir: CACHE_DIR });
  const tenth = Math.round(items / 10);
  const chain = await generateChain(base, {
    updates: Math.round((tenth * 2) / 3),
    inserts: Math.round(tenth / 6),
    deletes: Math.round(tenth / 6),
    cacheDir: CACHE_DIR,
  });
  const tablesDir = join(workDir, `tables-${scale}`);
  await mkdir(tablesDir, { recursive: true });
  return { base, chain, tablesDir, main: MAIN };
}

async function measureEveryone(at: Setting): Promise<Map<string, Sample[]>> {
  const own = tailrace(at);
  const everyone = [
    spark(at, 'merge-on-read', false),
    spark(at, 'copy-on-write', false),
    spark(at, 'merge-on-read', true),
    pyiceberg(at),
    deltaRs(at),
    own,
  ];
  const samples = await alternate(everyone, { warmUps: 0, rounds, workDir, log });
  const more = await alternate([deltaRs(at), own], { warmUps: 1, rounds: lightRounds, workDir, log });
  for (const [name, extra] of more) samples.get(name)?.push(...extra);
  return samples;
}

async function writeResults(results: Results): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const page = renderResults(results);
  await writeFile(join(outDir, 'incremental.md'), page);
  const plain = { ...results, main: [...results.main], scales: [...results.scales] };
  await writeFile(join(outDir, 'incremental.json'), `${JSON.stringify(plain, undefined, 2)}\n`);
  process.stdout.write(page);
}
