// npm run setup: puts what only tests need into .cache/: a Python environment with independent readers, Iceberg's
// runtime for Spark, an S3 server, and two Iceberg REST catalogs. Each part leaves a stamp of its pins; a second run finds the stamps and ends.
// A part whose tool (Python, Java with Maven, Go) is missing is skipped, and its tests with it, but never in CI.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hivePart } from './setup/hive.mjs';
import { trinoPart } from './setup/trino.mjs';
import { outputOf, root, run, step } from './steps.mjs';

const cache = join(root, '.cache');
const toolchain = join(root, 'test', 'toolchain');
const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

const parts = [
  {
    name: 'python',
    what: 'Python readers and a stand-in for AWS (.cache/venv, 0.7 GB; one to three minutes)',
    pins: readFileSync(join(toolchain, 'requirements.txt'), 'utf8'),
    missing: () => (pythonCommand() ? undefined : 'Python 3.11 or newer (python3 with venv) is not installed'),
    present: () => venvHolds(readFileSync(join(toolchain, 'requirements.txt'), 'utf8')),
    install: installPython,
  },
  {
    name: 'jars',
    what: "Iceberg's runtime for Spark (.cache/jars, 50 MB; half a minute)",
    pins: readFileSync(join(toolchain, 'spark-pom.xml'), 'utf8'),
    missing: javaAndMaven,
    present: () => existsSync(join(cache, 'jars')) && readdirSync(join(cache, 'jars')).some(isPinnedJar),
    install: () => copyJars('spark-pom.xml', 'jars'),
  },
  {
    name: 'spark-s3',
    what: "Hadoop's client of S3 for Spark (.cache/spark-s3, 15 MB; half a minute)",
    pins: readFileSync(join(toolchain, 'spark-s3-pom.xml'), 'utf8'),
    missing: javaAndMaven,
    present: () => existsSync(join(cache, 'spark-s3', 'hadoop-aws-3.4.2.jar')),
    install: () => copyJars('spark-s3-pom.xml', 'spark-s3'),
  },
  {
    name: 'rest-catalog',
    what: "Iceberg's reference REST catalog (.cache/rest-catalog, 83 MB; half a minute)",
    pins: readFileSync(join(toolchain, 'rest-pom.xml'), 'utf8'),
    missing: javaAndMaven,
    present: () => existsSync(join(cache, 'rest-catalog', 'iceberg-core-1.11.0-tests.jar')),
    install: () => copyJars('rest-pom.xml', 'rest-catalog'),
  },
  {
    name: 'nessie',
    what: 'Nessie, a catalog with branches (.cache/nessie, 234 MB; half a minute; runs on Java 21)',
    pins: readFileSync(join(toolchain, 'nessie-pom.xml'), 'utf8'),
    missing: javaAndMaven,
    present: () => existsSync(join(cache, 'nessie', 'nessie-quarkus-0.99.0-runner.jar')),
    install: () => copyJars('nessie-pom.xml', 'nessie'),
  },
  {
    name: 'versitygw',
    what: 'versitygw, an S3 server (.cache/bin; about three minutes, once)',
    pins: VERSITYGW,
    missing: () => (outputOf('go', ['version']) ? undefined : 'Go is not installed'),
    present: () => (outputOf('go', ['version', '-m', join(cache, 'bin', 'versitygw')]) ?? '').includes('v1.8.0'),
    install: installVersitygw,
  },
  hivePart(cache, toolchain),
  trinoPart(cache, toolchain, javaAndMaven),
];

mkdirSync(join(cache, 'stamps'), { recursive: true });
let skipped = 0;
for (const part of parts) skipped += await ensure(part);
if (skipped > 0 && process.env.CI === 'true') {
  console.error('CI=true: nothing may be skipped.');
  process.exit(1);
}

async function ensure(part) {
  const stamp = join(cache, 'stamps', part.name);
  const digest = createHash('sha256').update(part.pins).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && part.present()) return 0;
  if (!part.present()) {
    const reason = part.missing();
    if (reason) {
      console.log(`> Skipped: ${part.what}\n  ${reason}; the tests that need it are skipped, too.`);
      return 1;
    }
    await step(`Setting up ${part.what}`, part.install);
  }
  writeFileSync(stamp, digest);
  return 0;
}

function pythonCommand() {
  for (const command of ['python3.11', 'python3.12', 'python3.13', 'python3']) {
    const version = outputOf(command, ['-c', 'import sys, venv, ensurepip; print(sys.version_info[1])']);
    if (version !== undefined && Number(version) >= 11) return command;
  }
  return undefined;
}

/** Asks the environment for the versions that it really holds: an install that was cut short does not count. */
function venvHolds(requirements) {
  const pins = requirements.split('\n').filter((line) => line.includes('=='));
  const script =
    'import sys, importlib.metadata as m\n' +
    'for pin in sys.argv[1:]:\n' +
    "  name, version = pin.split('==')\n" +
    '  assert m.version(name) == version, pin';
  return outputOf(join(cache, 'venv', 'bin', 'python'), ['-c', script, ...pins]) !== undefined;
}

async function installPython() {
  const venv = join(cache, 'venv');
  rmSync(venv, { recursive: true, force: true });
  await run(pythonCommand(), ['-m', 'venv', venv]);
  const requirements = join(toolchain, 'requirements.txt');
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await run(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', ...quiet, '--no-deps', '-r', requirements]);
}

function isPinnedJar(name) {
  return /^iceberg-spark-runtime-4\.1_2\.13-1\.12\.0\.jar$/.test(name);
}

function javaAndMaven() {
  if (!outputOf('java', ['-version'])) return 'Java 17 is not installed';
  return outputOf('mvn', ['-v']) ? undefined : 'Maven (mvn) is not installed';
}

async function copyJars(pom, folder) {
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(cache, folder)}`, '-DincludeScope=runtime'];
  await run('mvn', ['-B', '-q', '-f', join(toolchain, pom), ...goal]);
}

async function installVersitygw() {
  await run('go', ['install', VERSITYGW], { env: { ...process.env, GOBIN: join(cache, 'bin') } });
}
