// npm run soak: chains, scans and upkeep under faults, kills and rival writers, with many seeds. TAILRACE_SEEDS (default 200) chains from
// TAILRACE_SEED (default: by the clock, and printed) on; TAILRACE_KILLS (default 30) kills of the real command;
// TAILRACE_EVERY (default 2): every so-manieth call of a chain is killed. Arguments go to vitest.
import { join } from 'node:path';
import { run } from './steps.mjs';

const seed = process.env.TAILRACE_SEED ?? String(Date.now() % 100_000);
process.env.TAILRACE_SEED = seed;
process.env.TAILRACE_SEEDS ??= '200';
process.env.TAILRACE_KILLS ??= '30';
process.env.TAILRACE_EVERY ??= '2';
console.log(`TAILRACE_SEED=${seed}`);
const files = [
  'chain-iceberg',
  'chain-parquet',
  'chain-writes',
  'chain-faults',
  'chain-process',
  'two-writers',
  'maintain',
  'scan.test.ts',
  'scan-process',
].map((name) => join('test', 'crash', name));
await run(process.execPath, [
  join('node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--project',
  'crash',
  '--testTimeout=0',
  ...files,
  ...process.argv.slice(2),
]);
