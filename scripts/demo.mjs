// npm run demo: on a fresh clone, installs, builds, and runs `tailrace demo`. Arguments go to the demo.
import { join } from 'node:path';
import { build, ensureInstalled, runCode } from './steps.mjs';

await ensureInstalled();
await build();
console.log('');
process.exit(await runCode(process.execPath, [join('dist', 'cli', 'main.js'), 'demo', ...process.argv.slice(2)]));
