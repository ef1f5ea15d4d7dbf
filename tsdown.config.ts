import { defineConfig } from 'tsdown';

// One file of dist/ for each of src/: what the command imports lazily stays lazy, the Ion worker finds its file beside
// the one that starts it, and stack traces name files that exist.
export default defineConfig({
  entry: ['src/index.ts', 'src/cli/main.ts', 'src/source/ion/worker.ts'],
  unbundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  dts: true,
  clean: true,
});
