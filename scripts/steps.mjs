// What the scripts share: run a command, say what happens and how long it took. Plain Node, no dependencies,
// because these scripts run before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `work`, and prints the title before and the seconds after. */
export async function step(title, work) {
  const start = Date.now();
  console.log(`> ${title}`);
  const result = await work();
  console.log(`  done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/** Runs a command in the project's folder with its output shown; ends this script if the command fails. */
export async function run(command, args, options = {}) {
  const code = await runCode(command, args, options);
  if (code !== 0) {
    console.error(`\n${command} ${args.join(' ')} ended with exit code ${code}.`);
    process.exit(code);
  }
}

/** Like run, but hands the exit code back. */
export function runCode(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    // A Ctrl-C reaches the child by itself; this script only waits for it to end.
    const wait = () => {};
    process.on('SIGINT', wait);
    child.on('error', (error) => {
      console.error(`${command} cannot be started: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** The output of a command, or undefined if it is missing or fails. */
export function outputOf(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  return result.status === 0 ? `${result.stdout}${result.stderr}`.trim() : undefined;
}

/** Installs the npm packages that package-lock.json names, unless exactly these are there. */
export async function ensureInstalled() {
  if (installed()) return;
  await step('Installing npm packages (npm ci; half a minute the first time)', () =>
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']),
  );
}

/** Builds dist/; what tsdown has to say is shown only if it fails. */
export async function build() {
  await step('Building the command (tsdown; a few seconds)', () => {
    const result = spawnSync(process.execPath, [join('node_modules', 'tsdown', 'dist', 'run.mjs')], {
      cwd: root,
      encoding: 'utf8',
    });
    if (result.status === 0) return;
    console.error(`${result.stdout}${result.stderr}\nThe build failed.`);
    process.exit(1);
  });
}

function installed() {
  const there = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(there)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(there, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || found[path]?.version === entry.version,
  );
}
