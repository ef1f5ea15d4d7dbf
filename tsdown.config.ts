import { defineConfig } from 'tsdown';

// Files that are always loaded together become one: finding, reading and linking 250 modules took a fifth of the
// time before a load's first byte. What is imported lazily stays a file of its own, and so do the
// workers, which are looked for by name (src/source/worker-file.ts).
export default defineConfig({
  entry: ['src/index.ts', 'src/cli/main.ts', 'src/source/ion/worker.ts', 'src/source/lines/worker.ts'],
  format: 'esm',
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  dts: true,
  clean: true,
});
