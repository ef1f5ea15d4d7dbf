/**
 * The benchmark of a full export, in one go:
 *
 *   npm run build && npx tsx bench/full-export/run.ts
 *
 * --parts main,scale,heterogeneous,ion,s3   what to measure (default: all)
 * --contenders a,b,c,d                      who takes part in main (c: in Node and in Python)
 * --items 600000  --scales 1,4,16           size of one seed, and how many seeds
 * --rounds 3      --light-rounds 9          rounds of everyone, then more rounds of c and d alone
 * --scale-rounds 3                          rounds of each other measurement
 * --main dist/cli/main.js                   the built command to measure
 * --out bench/results                       trials go to .cache/bench/results unless this is given
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeEnvironment } from '../environment.ts';
import { alternate, type Contender, type Rounds, type Sample } from '../measure.ts';
import { aims } from './aims.ts';
import { chosen, count, withoutFolder } from './arguments.ts';
import { byHandNode, byHandPython, document2, MAIN, sparkTyped, tailrace } from './contenders.ts';
import { CACHE_DIR, FULL_SIZE_ITEMS, type GeneratedExport, generateExport } from './generate.ts';
import { withExportOnS3 } from './on-s3.ts';
import { type Measured, type Results, renderResults } from './report.ts';

const PARTS = ['main', 'scale', 'heterogeneous', 'ion', 's3'] as const;
const ON_S3 = 'export on S3 (versitygw on the same machine)';
const CONTENDERS = ['a', 'b', 'c', 'd'] as const;

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: PARTS.join(',') },
    contenders: { type: 'string', default: CONTENDERS.join(',') },
    items: { type: 'string', default: String(FULL_SIZE_ITEMS) },
    scales: { type: 'string', default: '1,4,16' },
    rounds: { type: 'string', default: '3' },
    'light-rounds': { type: 'string', default: '9' },
    'scale-rounds': { type: 'string', default: '3' },
    main: { type: 'string', default: MAIN },
    out: { type: 'string' },
  },
});

const parts = chosen(values.parts, PARTS);
const contenders = chosen(values.contenders, CONTENDERS);
const items = count(values.items, '--items');
const rounds = count(values.rounds, '--rounds');
const lightRounds = count(values['light-rounds'], '--light-rounds');
const otherRounds = count(values['scale-rounds'], '--scale-rounds');
const scales = values.scales.split(',').map((text) => count(text, '--scales'));
const { main } = values;
const trial = items !== FULL_SIZE_ITEMS || main !== MAIN;
const outDir =
  values.out ?? (trial ? join(CACHE_DIR, 'results') : fileURLToPath(new URL('../results', import.meta.url)));
const built = existsSync(main);
const skipped: string[] = built ? [] : ['tailrace, which is not built (`npm run build`)'];
const failed: string[] = [];
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
  const data = await orders(1);
  const everyone = parts.includes('main') ? await measureEveryone(data) : new Map<string, Sample[]>();
  const others: Measured[] = [];
  if (built) {
    const measure = async (name: string, make: () => Promise<GeneratedExport>): Promise<void> => {
      others.push(...(await attempt(name, async () => measureTailrace(name, await make()))));
    };
    if (parts.includes('scale')) for (const scale of scales) await measure(`${scale}×`, () => orders(scale));
    if (parts.includes('heterogeneous')) {
      await measure('heterogeneous (500 attribute names)', () => generate({ heterogeneous: true }));
    }
    if (parts.includes('ion')) await measure('Ion', () => generate({ ion: true }));
    if (parts.includes('s3')) others.push(...(await attempt(ON_S3, () => measureOnS3(data))));
  }
  return {
    environment: {
      ...describeEnvironment(),
      ...(main === MAIN ? {} : { tailrace: 'another build than this checkout' }),
    },
    command: ['npx tsx bench/full-export/run.ts', ...process.argv.slice(2).map(withoutFolder)].join(' '),
    ratios: aims(everyone),
    contenders: [...everyone].map(([name, samples]) => describe(name, data, samples)),
    tailrace: others,
    skipped,
    failed,
  };
}

/** Rounds of everyone, then more rounds of the quick ones, whose ratio is the closest. */
async function measureEveryone(data: GeneratedExport): Promise<Map<string, Sample[]>> {
  const take = (letter: (typeof CONTENDERS)[number], made: readonly Contender[]): readonly Contender[] =>
    contenders.includes(letter) ? made : [];
  const slow = [...take('a', [document2(data)]), ...take('b', [sparkTyped(data)])];
  const quick = [
    ...take('c', [byHandNode(data), byHandPython(data)]),
    ...(built ? take('d', [tailrace(data, { main })]) : []),
  ];
  const samples = await alternate([...slow, ...quick], { ...plan(rounds), warmUps: 1 });
  if (lightRounds > 0) {
    for (const [name, more] of await alternate(quick, plan(lightRounds))) samples.get(name)?.push(...more);
  }
  return samples;
}

/** A part that fails is told on the page, in the error's first lines, and the others go on. */
async function attempt(name: string, measure: () => Promise<Measured>): Promise<readonly Measured[]> {
  try {
    return [await measure()];
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    log(reason);
    const line = /^error .*$/m.exec(reason)?.[0] ?? reason.split('\n')[0] ?? '';
    // Results name no machine: of a path only its last part stays.
    failed.push(`${name}: ${line.replaceAll(/\/\S*\//g, '')}`);
    return [];
  }
}

async function measureTailrace(name: string, data: GeneratedExport): Promise<Measured> {
  const samples = await alternate([tailrace(data, { name, main })], { ...plan(otherRounds), warmUps: 1 });
  return describe(name, data, samples.get(name) ?? []);
}

async function measureOnS3(data: GeneratedExport): Promise<Measured> {
  const name = ON_S3;
  return withExportOnS3(data, async (place) => {
    const samples = await alternate([tailrace(data, { name, main, ...place })], { ...plan(otherRounds), warmUps: 1 });
    return describe(name, data, samples.get(name) ?? []);
  });
}

function plan(howMany: number): Rounds {
  return { warmUps: 0, rounds: howMany, workDir, log };
}

function orders(scale: number): Promise<GeneratedExport> {
  return generate({ scale });
}

function generate(kind: { scale?: number; heterogeneous?: boolean; ion?: boolean }): Promise<GeneratedExport> {
  log(`export: ${JSON.stringify({ items, ...kind })}`);
  return generateExport({ scale: 1, heterogeneous: false, ion: false, ...kind, items, cacheDir: CACHE_DIR });
}

function describe(name: string, data: GeneratedExport, samples: readonly Sample[]): Measured {
  const { truth, jsonBytes, gzipBytes } = data;
  return { name, items: truth.items, jsonBytes, gzipBytes, samples };
}

async function writeResults(results: Results): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const page = renderResults(results);
  await writeFile(join(outDir, 'full-export.md'), page);
  await writeFile(join(outDir, 'full-export.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  process.stdout.write(page);
}
