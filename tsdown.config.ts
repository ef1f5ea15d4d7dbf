import { existsSync } from 'node:fs';
import { defineConfig } from 'tsdown';

// The command and the library share their chunks, so that what the command imports lazily stays lazy.
// The Ion reader runs in a worker thread and must keep a file of its own.
const entry: Record<string, string> = { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts' };
if (existsSync('src/source/ion/worker.ts')) entry['source/ion/worker'] = 'src/source/ion/worker.ts';

export default defineConfig({
  entry,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
  dts: true,
  clean: true,
  fixedExtension: false,
  sourcemap: false,
});
