import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { TailraceError } from '../model/errors.ts';
import { withHome } from '../model/home.ts';
import type { AwsSettings, SyncOptions } from '../model/options.ts';
import { localStorage } from './local/local.ts';
import type { Storage } from './port.ts';

/** A place that the user named. `key` is below the root of the storage that openStorage gives; it may be empty. */
export type Location =
  | { readonly kind: 'local'; readonly root: '/'; readonly key: string; readonly uri: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string; readonly uri: string };

const HINT = 'Name a local path, or s3://bucket/folder.';

/** Reads `s3://bucket/key`, a path (`~/x`, too), or `file:///path`. Relative paths become absolute, trailing slashes go. */
export function parseLocation(text: string): Location {
  const [, scheme, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  if (text === '') throw usage('A location is empty.', text);
  if (text.includes('\0')) throw usage('A location holds a zero byte.', text);
  if (scheme === undefined) return local(withHome(text.replace(/^file:(?=\/)/, ''), homedir()));
  if (scheme === 's3') return s3(rest, text);
  if (scheme === 'file' && rest.startsWith('/')) return local(rest);
  throw usage(`The scheme of ${text} is unknown.`, text);
}

/** The storage that holds a location: the whole file system, or the bucket. */
export async function openStorage(
  location: Location,
  settings: { readonly aws?: AwsSettings; readonly sse?: SyncOptions['sse'] } = {},
): Promise<Storage> {
  if (location.kind === 'local') return localStorage(location.root);
  const { s3Storage } = await import('./s3/s3.ts');
  return s3Storage({ bucket: location.bucket, aws: settings.aws ?? {}, sse: settings.sse });
}

function local(text: string): Location {
  const uri = resolve(text);
  return { kind: 'local', root: '/', key: uri.slice(1), uri };
}

function s3(rest: string, text: string): Location {
  const slash = rest.indexOf('/');
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  const key = slash < 0 ? '' : rest.slice(slash + 1).replace(/\/+$/, '');
  if (bucket === '') throw usage(`${text} names no bucket.`, text);
  if (key.split('/').some((segment) => segment === '.' || segment === '..') || key.startsWith('/')) {
    throw usage(`The key of ${text} is not plain.`, text);
  }
  return { kind: 's3', bucket, key, uri: key === '' ? `s3://${bucket}` : `s3://${bucket}/${key}` };
}

function usage(message: string, found: string): TailraceError {
  return new TailraceError('USAGE', message, { expected: 'a local path or s3://bucket/folder', found, hint: HINT });
}
