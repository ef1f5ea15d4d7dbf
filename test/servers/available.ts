import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Where the set-up puts what the tests need beyond Node. */
export const CACHE = join(root, '.cache');
export const VERSITYGW = join(CACHE, 'bin/versitygw');
export const PYTHON = join(CACHE, 'venv/bin/python');
export const MOTO = join(CACHE, 'venv/bin/moto_server');

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
