// Trino with its Iceberg connector, for tests: unpacked into .cache/trino.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../steps.mjs';

/** The part for scripts/setup.mjs. `missing`: says which tool of this machine it lacks. */
export function trinoPart(cache, toolchain, missing) {
  const target = join(cache, 'trino');
  const pom = join(toolchain, 'trino-pom.xml');
  const pins = readFileSync(pom, 'utf8');
  return {
    name: 'trino',
    what: 'Trino 476 with its Iceberg connector (.cache/trino, 300 MB; two minutes, most of it to fetch 540 MB; runs on Java 21)',
    pins,
    missing,
    present: () => existsSync(join(target, 'done')) && readFileSync(join(target, 'done'), 'utf8') === pins,
    install: async () => {
      rmSync(target, { recursive: true, force: true });
      await run('mvn', ['-B', '-q', '-f', pom, `-Dtarget=${target}`, 'process-resources']);
      writeFileSync(join(target, 'done'), pins);
    },
  };
}
