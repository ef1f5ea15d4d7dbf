import { TailraceError } from '../model/errors.ts';
import type { AwsSettings, SyncOptions } from '../model/options.ts';
import { localStorage } from './local/local.ts';
import type { Storage } from './port.ts';

/** Access to S3 that came from elsewhere than the user's settings. */
export interface GivenAccess {
  readonly region?: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  readonly credentials?: () => Promise<{
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
    readonly endsAtMs?: number;
  }>;
}

/**
 * A storage that holds a URI and everything else of its scheme: the whole file system, or all buckets. The user's own
 * endpoint and region go before those that are given with the access, the credentials of the access before the user's.
 */
export async function openAnywhere(
  uri: string,
  settings: { readonly aws: AwsSettings; readonly sse?: SyncOptions['sse'] },
  { credentials, ...place }: GivenAccess = {},
): Promise<Storage> {
  if (/^(?:file:)?\//.test(uri)) return localStorage('/');
  if (!/^s3[an]?:\/\//.test(uri)) throw unknownScheme(uri);
  const { s3Buckets } = await import('./s3/buckets.ts');
  return s3Buckets({
    aws: { ...place, ...settings.aws },
    sse: settings.sse,
    ...(credentials === undefined ? {} : { credentials: async () => withDate(await credentials()) }),
  });
}

function withDate<T extends { readonly endsAtMs?: number }>({ endsAtMs, ...rest }: T) {
  return { ...rest, ...(endsAtMs === undefined ? {} : { expiration: new Date(endsAtMs) }) };
}

function unknownScheme(uri: string): TailraceError {
  return new TailraceError('TARGET_BAD', `The files of the table lie where tailrace cannot read: ${uri}.`, {
    place: uri,
    expected: 's3://… or a local path',
    found: uri,
    hint: 'Choose another table, or another location for it.',
  });
}
