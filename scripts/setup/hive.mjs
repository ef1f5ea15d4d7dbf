// Two Hive Metastores and a PostgreSQL, for tests: unpacked into .cache/hive, with the few classes of ours that they need.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, run } from '../steps.mjs';

const PLATFORMS = {
  'linux-x64': 'linux-amd64',
  'linux-arm64': 'linux-arm64v8',
  'darwin-x64': 'darwin-amd64',
  'darwin-arm64': 'darwin-arm64v8',
};

/** The part for scripts/setup.mjs. */
export function hivePart(cache, toolchain) {
  const target = join(cache, 'hive');
  const pom = join(toolchain, 'hive-pom.xml');
  const classes = ['NullFs.java', 'SecurityUtils.java'].map((name) => join(toolchain, 'hive', name));
  const pins = [pom, ...classes].map((path) => readFileSync(path, 'utf8')).join('');
  return {
    name: 'hive',
    what: 'Hive Metastore 3.1.3 and 4.0.1, and a PostgreSQL for it (.cache/hive, 180 MB; half a minute)',
    pins,
    missing,
    present: () => existsSync(join(target, 'done')) && readFileSync(join(target, 'done'), 'utf8') === pins,
    install: async () => {
      await install(target, pom, classes);
      writeFileSync(join(target, 'done'), pins);
    },
  };
}

function missing() {
  if (!outputOf('javac', ['-version'])) return 'Java 17 with its compiler is not installed';
  if (!outputOf('mvn', ['-v'])) return 'Maven (mvn) is not installed';
  return platform() ? undefined : `There is no PostgreSQL to unpack for ${process.platform}-${process.arch}`;
}

function platform() {
  return PLATFORMS[`${process.platform}-${process.arch}`];
}

async function install(target, pom, [nullFs, securityUtils]) {
  rmSync(target, { recursive: true, force: true });
  const settings = [`-Dtarget=${target}`, `-Dpostgres=${platform()}`];
  await run('mvn', ['-B', '-q', '-f', pom, ...settings, 'process-resources']);
  const postgres = join(target, 'postgres');
  const [archive] = readdirSync(postgres);
  await run('tar', ['-xJf', join(postgres, archive), '-C', postgres]);
  rmSync(join(postgres, archive));
  const jars = [join(target, 'both', '*'), join(target, 'apache-hive-metastore-3.1.3-bin', 'lib', '*')].join(':');
  for (const [folder, source] of [
    ['shim', nullFs],
    ['shim-3.1.3', securityUtils],
  ]) {
    mkdirSync(join(target, folder));
    await run('javac', ['-nowarn', '-proc:none', '-cp', jars, '-d', join(target, folder), source]);
  }
}
