import { TailraceError } from './errors.ts';

/**
 * The path with `~` at its start as the home folder, as a shell has it. A shell sees `~` only where a word begins, not
 * in `parquet:~/lake` and not in a file. A folder that is called `~` is `./~`.
 */
export function withHome(path: string, home: string): string {
  if (!path.startsWith('~')) return path;
  if (path === '~') return home;
  if (path.startsWith('~/')) return `${home.replace(/\/+$/, '')}/${path.slice(2)}`;
  throw new TailraceError('USAGE', `The home folder in ${path} is not known.`, {
    expected: '~/…, your own home folder',
    found: path,
    hint: `Write the path out, or ./${path} for a folder of that name.`,
  });
}
