import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TailraceError } from '../model/errors.ts';

/** Where this folder lies, seen from this file: in the sources, or in a build that moved this file into a chunk. */
const FOLDERS = ['./', './source/', '../source/', '../../source/'];

/** How a thread is started. */
export interface WorkerStart {
  readonly file: URL;
  readonly execArgv: string[];
}

/** The file that a worker thread runs, by its path below this folder, without its ending. */
export function workerStart(name: string): WorkerStart {
  for (const folder of FOLDERS) {
    for (const ending of ['.ts', '.js']) {
      const file = new URL(`${folder}${name}${ending}`, import.meta.url);
      if (existsSync(fileURLToPath(file))) return { file, execArgv: ending === '.ts' ? loader() : [] };
    }
  }
  throw new TailraceError('INTERNAL', 'A worker is missing from the installation.', {
    expected: `source/${name}.js`,
    place: import.meta.url,
    hint: 'Install the package again.',
  });
}

/** Threads of a checkout read TypeScript, too; the loader of this thread does not reach into them. */
function loader(): string[] {
  const required = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api'));
  const api = new URL('./index.mjs', required).href;
  const start = `import { register } from ${JSON.stringify(api)}; register();`;
  return ['--import', `data:text/javascript,${encodeURIComponent(start)}`];
}
