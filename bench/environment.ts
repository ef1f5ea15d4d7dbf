import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { PYTHON } from './measure.ts';

/** What a result must say of the machine to be understood later; no names of hosts, users or folders. */
export type Environment = Readonly<Record<string, string>>;

/** Reads the machine's and the programs' versions. */
export function describeEnvironment(): Environment {
  const processors = cpus();
  const commit = output('git', ['rev-parse', '--short', 'HEAD']);
  const changed =
    output('git', ['status', '--porcelain', '--', 'src', 'package.json']) === '' ? '' : ', with uncommitted changes';
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${type()} ${release()}`,
    tailrace: `${packageVersion('../package.json')} at ${commit ?? 'an unknown commit'}${changed}`,
    node: process.version,
    'duckdb (node)': packageVersion('../node_modules/@duckdb/node-api/package.json'),
    'duckdb (python)': pythonVersion('duckdb'),
    python: (output(PYTHON, ['--version']) ?? 'unknown').replace('Python ', ''),
    spark: pythonVersion('pyspark'),
    java: output('java', ['--version'])?.split('\n')[0] ?? 'unknown',
  };
}

function packageVersion(relativePath: string): string {
  try {
    const text = readFileSync(fileURLToPath(new URL(relativePath, import.meta.url)), 'utf8');
    return (JSON.parse(text) as { version?: string }).version ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function pythonVersion(distribution: string): string {
  const code = `from importlib.metadata import version; print(version('${distribution}'))`;
  return output(PYTHON, ['-c', code]) ?? 'not installed';
}

function output(command: string, argv: readonly string[]): string | undefined {
  try {
    return execFileSync(command, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
