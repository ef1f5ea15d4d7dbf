import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

// The order of the house, from the ground up: a folder may import those of lower levels and itself, nothing else.
const LEVELS: readonly (readonly string[])[] = [
  ['model'],
  ['config', 'storage', 'schema', 'pacing'],
  ['dynamodb'],
  ['catalog', 'source', 'engine'],
  ['table'],
  ['derive', 'verify', 'maintain', 'demo', 'load'],
  ['pipeline'],
  ['schedule'],
  ['index.ts'],
  ['cli'],
];
// The same within the pipeline, for what runs: types may be told upwards. The verbs lie above all of these.
const STAGES = [
  ['ends', 'files'],
  ['learn'],
  ['chain'],
  ['load'],
  ['window'],
  ['report'],
  ['upkeep'],
  ['evolve', 'items', 'scan'],
] as const;
// What lies in memory is the shortest example of its port; tests are its users.
const ENTRIES = [
  'index.ts',
  'cli/main.ts',
  'source/ion/worker.ts',
  'source/lines/worker.ts',
  'storage/memory/memory.ts',
  'catalog/memory/memory.ts',
];
const MEDIAN_LINES_MAX = 150;
const LINES_MAX = 350;

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');
const files = filesBelow(src).filter((path) => path.endsWith('.ts'));
const texts = new Map(files.map((path) => [path, readFileSync(join(src, path), 'utf8')]));
const imports = new Map([...texts].map(([path, text]) => [path, importsOf(path, text)]));

describe('imports', () => {
  test('every folder of src has its place in the order', () => {
    expect([...new Set(files.map(folderOf))].filter((folder) => levelOf(folder) === undefined)).toEqual([]);
  });

  test('go down only, and folders on one level do not know each other', () => {
    const wrong = edges().filter(([from, to]) => {
      const [a, b] = [folderOf(from), folderOf(to)];
      return a !== b && (levelOf(b) ?? Infinity) >= (levelOf(a) ?? -1);
    });
    expect(wrong.map(([from, to]) => `${from} imports ${to}`)).toEqual([]);
  });

  test('within the pipeline go down the stages of a run', () => {
    const stageOf = (path: string): number => {
      const folder = /^pipeline\/([^/]+)\//.exec(path)?.[1];
      const stage = STAGES.findIndex((names) => names.some((name) => name === folder));
      return stage < 0 ? STAGES.length : stage;
    };
    const wrong = files
      .filter((path) => path.startsWith('pipeline/'))
      .flatMap((from) => running(from).map((to) => [from, to] as const))
      .filter(
        ([from, to]) => to.startsWith('pipeline/') && dirname(from) !== dirname(to) && stageOf(to) >= stageOf(from),
      )
      // doctor tries a run before it, so it stands beside the verbs.
      .filter(([from, to]) => stageOf(from) < STAGES.length || stageOf(to) < STAGES.length);
    expect(wrong.map(([from, to]) => `${from} imports ${to}`)).toEqual([]);
  });

  test('name files that exist', () => {
    const missing = edges().filter(([, to]) => !texts.has(to));
    expect(missing.map(([from, to]) => `${from} imports ${to}`)).toEqual([]);
  });

  test('have no cycles', () => {
    expect(cycle()).toBeUndefined();
  });

  test('of the command are the library, the configuration and the nouns', () => {
    const allowed = ['index.ts', 'config', 'model', 'cli'];
    const wrong = edges().filter(([from, to]) => folderOf(from) === 'cli' && !allowed.includes(folderOf(to)));
    expect(wrong.map(([from, to]) => `${from} imports ${to}`)).toEqual([]);
  });

  test('reach every file', () => {
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const next of imports.get(path) ?? []) visit(next);
    };
    ENTRIES.filter((entry) => texts.has(entry)).forEach(visit);
    expect(files.filter((path) => !seen.has(path))).toEqual([]);
  });
});

describe('files', () => {
  test(`have at most ${LINES_MAX} lines, half of them at most ${MEDIAN_LINES_MAX}`, () => {
    const sizes = [...texts].map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }));
    expect(sizes.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
    const median = sizes.map(({ lines }) => lines).sort((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
    expect(median).toBeLessThanOrEqual(MEDIAN_LINES_MAX);
  });

  test('do not switch the type checker off', () => {
    const wrong = [...texts].filter(
      ([path, text]) => usesAny(path, text) || /@ts-(ignore|nocheck|expect-error)/.test(text),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test('name no machine and no package registry', () => {
    const hosts = ['registry.npm' + 'js.org', 'py' + 'pi.org', 'repo1.maven' + '.org', 'proxy.golang' + '.org'];
    const paths = ['/' + 'work/', '/' + 'home/', '/' + 'Users/', '/' + 'root/'];
    const shipped = ['src', 'docs', 'examples', 'scripts', 'bench'].flatMap(pathsBelow);
    const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'package.json', 'package-lock.json', '.npmrc'];
    const naming = (words: readonly string[], path: string): boolean => {
      const text = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '';
      return words.some((word) => text.includes(word));
    };
    const wrong = [
      ...[...shipped, ...pages, ...pathsBelow('test')].filter((path) => naming(hosts, path)),
      ...[...shipped, ...pages].filter((path) => naming(paths, path)),
    ];
    expect(wrong).toEqual([]);
  });
});

test('every package that src imports is a dependency, and every dependency is imported', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = [...texts.values()].flatMap((text) =>
    ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
  );
  const packages = named.filter((name) => !name.startsWith('.') && !name.startsWith('node:'));
  const used = new Set(
    packages.map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    ),
  );
  expect([...used].sort()).toEqual(Object.keys(manifest.dependencies).sort());
});

test('the lock file names the binaries of every platform: npm ci refuses it otherwise (scripts/complete-lock.mjs)', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const wanted = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  expect(wanted.filter((name) => lock.packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

test('the lock file names no host', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(lock.match(/"resolved":.*/g) ?? []).toEqual([]);
});

function pathsBelow(folder: string): string[] {
  return existsSync(join(root, folder)) ? filesBelow(join(root, folder)).map((path) => join(folder, path)) : [];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

function importsOf(path: string, text: string): string[] {
  const named = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  return named
    .filter((name) => name.startsWith('.') && !name.endsWith('.json'))
    .map((name) => posix.join(dirname(path), name));
}

/** What a file imports to run: no types. */
function running(path: string): string[] {
  return [...(texts.get(path) ?? '').matchAll(/^import (?!type\b)[^;]*?from '(\.[^']+)'/gm)].map(([, name = '']) =>
    posix.join(dirname(path), name),
  );
}

function edges(): (readonly [from: string, to: string])[] {
  return [...imports].flatMap(([from, all]) => all.map((to) => [from, to] as const));
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function levelOf(folder: string): number | undefined {
  const level = LEVELS.findIndex((names) => names.includes(folder));
  return level < 0 ? undefined : level;
}

/** The first import cycle as a path, or undefined. */
function cycle(): string | undefined {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ');
    if (done.has(path)) return undefined;
    for (const next of imports.get(path) ?? []) {
      const found = walk(next, [...trail, path]);
      if (found !== undefined) return found;
    }
    done.add(path);
    return undefined;
  };
  for (const path of files) {
    const found = walk(path, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function usesAny(path: string, text: string): boolean {
  const visit = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.AnyKeyword || (ts.forEachChild(node, (child) => visit(child) || undefined) ?? false);
  return visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
}
