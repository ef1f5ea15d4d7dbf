import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalLine } from '../data/canonical.ts';
import { writeExport } from '../data/make-export.ts';
import { nastyItems } from '../data/nasty.ts';

// What a user gets: the package as npm packs it, installed into an empty folder. `npm test` builds dist/ before.

const root = join(import.meta.dirname, '..', '..');
const START_MS_MAX = 150;
/** Bare `node -e 0` on the machine that the limit was set for; slower or busier machines get as much more. */
const BARE_START_MS = 45;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

describe('the package in an empty folder', () => {
  let folder = '';
  let packed: Packed;

  const inFolder = async (command: string, args: readonly string[]): Promise<string> => {
    const options = { cwd: folder, maxBuffer: 64e6, env: { ...process.env, NODE_PATH: '', NO_COLOR: '1' } };
    return (await promisify(execFile)(command, args, options)).stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tailrace-package-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await promisify(execFile)('npm', pack, { cwd: root, maxBuffer: 64e6 });
    const answer = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
    const [first] = Array.isArray(answer) ? answer : Object.values(answer);
    if (first === undefined) throw new Error(`npm pack said ${stdout}`);
    packed = first;
    await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}\n');
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await inFolder('npm', ['install', ...quiet, join(folder, packed.filename)]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('holds what a user needs and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith('dist/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    expect(paths).toContain('dist/index.d.ts');
    expect(paths).toContain('dist/source/ion/worker.js');
    expect(paths).toContain('dist/source/lines/worker.js');
    expect(paths.filter((path) => !/\.(js|d\.ts)$/.test(path) && path.startsWith('dist/'))).toEqual([]);
  });

  test('npx tailrace answers with its version, quickly', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    const main = join(folder, 'node_modules', 'tailrace', 'dist', 'cli', 'main.js');
    const said = (await inFolder('npx', ['--no-install', 'tailrace', '--version'])).trim();
    expect(said).toBe(version);
    const bare = await bestOf(8, () => inFolder(process.execPath, ['-e', '0']));
    const start = await bestOf(8, () => inFolder(process.execPath, [main, '--version']));
    console.log(`start: ${start.toFixed(0)} ms, bare Node ${bare.toFixed(0)} ms`);
    expect(start).toBeLessThanOrEqual(START_MS_MAX * Math.max(1, bare / BARE_START_MS));
  });

  test.each(['iceberg', 'parquet'])('loads an export to %s and gives the items back', async (format) => {
    const items = nastyItems(11, 200, { noHuge: true });
    const { exportDir } = await writeExport(join(folder, `export-${format}`), { items });
    const target = `${format}:./lake/${format}`;
    const options = ['--no-install', 'tailrace'];
    const report = await inFolder('npx', [...options, 'sync', exportDir, target, '--key', 'pk', '--json']);
    expect(JSON.parse(report)).toMatchObject({
      outcome: 'committed',
      counts: { read: 200, written: 200, rejected: 0 },
    });
    const lines = (await inFolder('npx', [...options, 'cat', target, '--as', 'ddb-json'])).trimEnd().split('\n');
    expect(lines.map(canonicalLine).sort()).toEqual(
      items.map((Item) => canonicalLine(JSON.stringify({ Item }))).sort(),
    );
    const again = await inFolder('npx', [...options, 'sync', exportDir, target, '--key', 'pk', '--json']);
    expect(JSON.parse(again)).toMatchObject({ outcome: 'unchanged', counts: { read: 0, written: 0 } });
  });

  test('loads an Ion export, whose reader runs in a worker of its own', async () => {
    const items = nastyItems(12, 50, { noHuge: true });
    const { exportDir } = await writeExport(join(folder, 'export-ion'), { items, format: 'ION' });
    const report = await inFolder('npx', [
      '--no-install',
      'tailrace',
      'sync',
      exportDir,
      './lake/ion',
      '--key',
      'pk',
      '--json',
    ]);
    expect(JSON.parse(report)).toMatchObject({ outcome: 'committed', counts: { written: 50 } });
  });

  test('is a library with types', async () => {
    const names = await inFolder(process.execPath, [
      '-e',
      "import('tailrace').then((m) => console.log(Object.keys(m).join()))",
    ]);
    for (const name of ['sync', 'query', 'cat', 'inspect', 'inferSchema', 'TailraceError'])
      expect(names).toContain(name);
    await writeFile(join(folder, 'use.ts'), USE);
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--typeRoots',
      join(root, 'node_modules', '@types'),
    ];
    await inFolder(process.execPath, [
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      ...options,
      '--types',
      'node',
      'use.ts',
    ]);
  });
});

const USE = `import { type SyncReport, sync, TailraceError } from 'tailrace';
export const run: (...args: Parameters<typeof sync>) => Promise<SyncReport> = sync;
export const isOurs = (error: unknown): boolean => error instanceof TailraceError && error.code === 'USAGE';
// @ts-expect-error a wrong type is found
export const wrong: number = run;
`;

async function bestOf(times: number, run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time += 1) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
