import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

// What `npm run setup` put into .cache/, and what it needs of this machine. A tool that is missing skips the tests
// that need it; with CI=true it fails them instead.
const cache = join(import.meta.dirname, '..', '..', '.cache');

/** The Python interpreter of the test environment. */
export const python = present('Python environment', join(cache, 'venv', 'bin', 'python'));

/** The S3 server. */
export const versitygw = present('versitygw', join(cache, 'bin', 'versitygw'));

/** Iceberg's runtime for Spark, for machines with Java. */
export const sparkJar = hasJava() ? present('Spark jar', findJar()) : absent('Java');

/** Real files of AWS services and sample projects, kept beside the project; undefined where they are not. */
export const sharedData = sharedFolder();

function present(what: string, path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? path : absent(what);
}

function absent(what: string): undefined {
  if (process.env.CI === 'true') throw new Error(`${what} is missing, and CI=true allows no skips: npm run setup`);
  return undefined;
}

function findJar(): string | undefined {
  const folder = join(cache, 'jars');
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
