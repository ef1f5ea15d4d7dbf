import path from 'node:path';

const SCHEMES = /^(export|landed|iceberg|delta|parquet):/;

/** A path of the file, seen from the folder where the command runs; URIs, absolute paths and those in the home folder stay as they are. */
export function resolvePath(text: string, folder: string, cwd: string): string {
  if (folder === cwd || text.includes('://') || text.startsWith('~') || path.isAbsolute(text)) return text;
  return path.resolve(folder, text);
}

/** The same for an end of a pipeline: `parquet:./lake`. Names in a catalog (`iceberg:shop.orders`) are no paths. */
export function resolveLocation(text: string, folder: string, cwd: string): string {
  const scheme = SCHEMES.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  const isName = /^[a-z]+:/.test(rest) || (scheme !== '' && !rest.includes('/') && !/^[.~]/.test(rest));
  return isName ? text : `${scheme}${resolvePath(rest, folder, cwd)}`;
}
