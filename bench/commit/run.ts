/**
 * What a commit costs, in each catalog, and whether it costs more as the table grows older:
 *
 *   npx tsx bench/commit/run.ts
 *
 * --parts compare,long                         what to measure (default: all)
 * --catalogs files,rest,nessie,glue,hive3,hive4
 * --commits 200                                small commits of each side, in turns
 * --long 1000 --long-catalogs files,rest       commits in a row
 * --beside                                     PyIceberg makes the long row, too
 * --out bench/results                          trials go to .cache/bench/results unless this or no other flag is given
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeEnvironment } from '../environment.ts';
import { chosen, count, withoutFolder } from '../full-export/arguments.ts';
import { CACHE_DIR } from '../full-export/generate.ts';
import { type Compared, compare } from './compare.ts';
import { commitInARow, type LongRow } from './long.ts';
import { renderResults } from './report.ts';
import { SERVERS } from './servers.ts';

const PARTS = ['compare', 'long'] as const;
const CATALOGS = Object.keys(SERVERS) as readonly (keyof typeof SERVERS)[];
const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: PARTS.join(',') },
    catalogs: { type: 'string', default: CATALOGS.join(',') },
    commits: { type: 'string', default: '200' },
    long: { type: 'string', default: '1000' },
    'long-catalogs': { type: 'string', default: 'files,rest' },
    beside: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const parts = chosen(values.parts, PARTS);
const commits = count(values.commits, '--commits');
const length = count(values.long, '--long');
const whole = process.argv.slice(2).every((argument) => argument.startsWith('--out'));
const outDir =
  values.out ?? (whole ? fileURLToPath(new URL('../results', import.meta.url)) : join(CACHE_DIR, 'results'));
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const workDir = await mkdtemp(join(tmpdir(), 'tailrace-commits-'));
try {
  const compared: Compared[] = [];
  for (const name of parts.includes('compare') ? chosen(values.catalogs, CATALOGS) : [])
    compared.push(await inFolder(name, (dir) => compare(name, { commits, dir, log })));
  const rows: LongRow[] = [];
  for (const name of parts.includes('long') ? chosen(values['long-catalogs'], CATALOGS) : [])
    rows.push(
      ...(await inFolder(`${name}-long`, (dir) => commitInARow(name, { length, beside: values.beside, dir, log }))),
    );
  const command = ['npx tsx bench/commit/run.ts', ...process.argv.slice(2).map(withoutFolder)].join(' ');
  const results = { environment: describeEnvironment(), command, commits, compared, rows };
  await mkdir(outDir, { recursive: true });
  const page = renderResults(results);
  await writeFile(join(outDir, 'commit.md'), page);
  await writeFile(join(outDir, 'commit.json'), `${JSON.stringify(results)}\n`);
  process.stdout.write(page);
} finally {
  await rm(workDir, { recursive: true, force: true });
}

async function inFolder<T>(name: string, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = join(workDir, name);
  await mkdir(dir);
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
