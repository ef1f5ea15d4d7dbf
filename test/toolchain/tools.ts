import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, PYTHON } from '../servers/available.ts';

// What `npm run setup` put into .cache/, and what it needs of this machine. A tool that is missing skips the tests
// that need it; with CI=true it fails them instead.

/** The Python interpreter of the test environment. */
export const python = existsSync(PYTHON) ? PYTHON : absent('the Python environment');

/** Iceberg's runtime for Spark, on machines with Java. */
export const sparkJar = hasJava() ? (findJar() ?? absent("Iceberg's runtime for Spark")) : absent('Java');

/** Real files of AWS services and sample projects, kept beside the project; undefined where they are not. */
export const sharedData = sharedFolder();

function absent(what: string): undefined {
  if (process.env.CI === 'true')
    throw new Error(`CI=true allows no skips, and this is missing: ${what} (npm run setup)`);
  return undefined;
}

function findJar(): string | undefined {
  const folder = join(CACHE, 'jars');
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((file) => file.startsWith('iceberg-spark-runtime-'));
  return name === undefined ? undefined : join(folder, name);
}

function hasJava(): boolean {
  return spawnSync('java', ['-version']).status === 0;
}

function sharedFolder(): string | undefined {
  const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
  return existsSync(folder) ? folder : undefined;
}
