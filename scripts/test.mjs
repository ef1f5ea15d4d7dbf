// npm test: on a fresh clone, installs, sets up the readers and servers that tests use, builds, and runs every test.
// Arguments go to vitest. The closing line is `N passed, N failed, N skipped`.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, ensureInstalled, root, run, runCode, step } from './steps.mjs';

const results = join(root, '.cache', 'test-results.json');

await ensureInstalled();
await run(process.execPath, [join('scripts', 'setup.mjs')]);
await build();
rmSync(results, { force: true });
const code = await step('Running all tests (unit, servers, readers, crashes, package)', () =>
  runCode(process.execPath, [
    join('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...process.argv.slice(2),
  ]),
);
const failed = printTotals();
process.exit(code === 0 && failed > 0 ? 1 : code);

function printTotals() {
  if (!existsSync(results)) {
    console.log('\n0 passed, 1 failed, 0 skipped');
    return 1;
  }
  const report = JSON.parse(readFileSync(results, 'utf8'));
  // A file that cannot even be loaded has no tests to fail, so it counts as one.
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failures = report.numFailedTests + broken.length;
  const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  console.log(`\n${report.numPassedTests} passed, ${failures} failed, ${skipped} skipped`);
  return failures;
}
