import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

const root = join(import.meta.dirname, '../..');
const versions = new Map<string, number>();

/** Where the set-up puts what the tests need beyond Node. */
export const CACHE = join(root, '.cache');
export const VERSITYGW = join(CACHE, 'bin/versitygw');
export const PYTHON = join(CACHE, 'venv/bin/python');
export const MOTO = join(CACHE, 'venv/bin/moto_server');
/** With them Spark reads s3://. */
export const SPARK_S3 = join(CACHE, 'spark-s3');
export const REST_JARS = join(CACHE, 'rest-catalog');
export const NESSIE_JAR = join(CACHE, 'nessie/nessie-quarkus-0.99.0-runner.jar');
export const JAVA = javaOf(17);
export const JAVA_21 = javaOf(21);
export const HIVE = join(CACHE, 'hive');
export const TRINO = join(CACHE, 'trino');

/**
 * `describe`, or a skip that says what is missing. When CI=true nothing is skipped: the tests run, and fail.
 * `needs` are paths of programs and files.
 */
export function serverOrSkip(name: string, needs: readonly string[], body: () => void): void {
  const missing = needs.filter((path) => !existsSync(path));
  if (missing.length === 0 || process.env.CI === 'true') {
    describe(name, body);
    return;
  }
  describe.skip(`${name} (skipped: no ${missing.join(', ')}; npm run setup brings it)`, body);
}

/** A Java of this version or a later one: of JAVA_HOME, the path, or where Linux installs them. */
function javaOf(least: number): string {
  const home = process.env.JAVA_HOME;
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'java'));
  const jvms = existsSync('/usr/lib/jvm')
    ? readdirSync('/usr/lib/jvm').map((name) => `/usr/lib/jvm/${name}/bin/java`)
    : [];
  const found = [...(home === undefined ? [] : [join(home, 'bin/java')]), ...paths, ...jvms].filter((path) =>
    existsSync(path),
  );
  return found.find((path) => versionOf(path) >= least) ?? `java-${least}`;
}

function versionOf(java: string): number {
  const known = versions.get(java);
  if (known !== undefined) return known;
  const told = spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr;
  const version = Number(/version "(\d+)/.exec(told)?.[1] ?? 0);
  versions.set(java, version);
  return version;
}
