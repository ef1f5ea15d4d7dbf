// Trino with its connectors for Iceberg and for Hive, for tests: unpacked into .cache/trino.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../steps.mjs';

/** The part for scripts/setup.mjs. `missing`: says which tool of this machine it lacks. */
export function trinoPart(cache, toolchain, missing) {
  const target = join(cache, 'trino');
  const pom = join(toolchain, 'trino-pom.xml');
  const pins = readFileSync(pom, 'utf8');
  const unpacked = () => existsSync(join(target, 'done')) && readFileSync(join(target, 'done'), 'utf8') === pins;
  return {
    name: 'trino',
    what: 'Trino 476 with its connectors for Iceberg and Hive (.cache/trino, 300 MB; two minutes, most of it to fetch 540 MB; runs on Java 21)',
    pins,
    missing,
    present: () => unpacked() && existsSync(join(target, 'plugin', 'hive', SERVICES)),
    install: async () => {
      if (!unpacked()) {
        rmSync(target, { recursive: true, force: true });
        await run('mvn', ['-B', '-q', '-f', pom, `-Dtarget=${target}`, 'process-resources']);
        writeFileSync(join(target, 'done'), pins);
      }
      await makeHivePlugin(join(target, 'plugin'));
    },
  };
}

const SERVICES = 'hive-services.jar';

/** The Iceberg connector brings all jars of the Hive connector: only the file that announces it is missing. */
async function makeHivePlugin(plugins) {
  const folder = join(plugins, 'hive');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'META-INF', 'services'), { recursive: true });
  writeFileSync(join(folder, 'META-INF', 'services', 'io.trino.spi.Plugin'), 'io.trino.plugin.hive.HivePlugin\n');
  const iceberg = readdirSync(plugins).find((name) => name.startsWith('trino-iceberg-')) ?? '';
  for (const jar of readdirSync(join(plugins, iceberg)))
    if (!jar.endsWith('-services.jar')) symlinkSync(join('..', iceberg, jar), join(folder, jar));
  await run('jar', ['--create', '--file', join(folder, SERVICES), '-C', folder, 'META-INF']);
  rmSync(join(folder, 'META-INF'), { recursive: true });
}
