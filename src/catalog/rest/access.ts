/** Access to a table's files that the catalog hands out with the table (“LoadTableResult” of the specification). */
import { TailraceError } from '../../model/errors.ts';
import type { Credentials, FileAccess } from '../port.ts';
import { texts } from './config.ts';

/** Credentials are asked for anew when they end within this time. */
const SHORT_MS = 5 * 60_000;

export interface VendedAccess {
  readonly access: FileAccess;
  readonly credentials: Credentials | undefined;
}

/**
 * The settings for files at a location that a reply gives: those of `storage-credentials` with the longest prefix of it
 * go before `config`. Where the catalog would sign each request itself instead, it is refused: no such client is here.
 */
export function vendedAccess(reply: Readonly<Record<string, unknown>>, location: string, place: string): VendedAccess {
  const settings = { ...texts(reply['config']), ...storageCredentials(reply['storage-credentials'], location) };
  const { 's3.access-key-id': accessKeyId, 's3.secret-access-key': secretAccessKey } = settings;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : credentialsOf(settings, accessKeyId, secretAccessKey);
  if (credentials === undefined && settings['s3.remote-signing-enabled'] === 'true') throw remoteSigning(place);
  const { 's3.endpoint': endpoint, 's3.path-style-access': pathStyle } = settings;
  const region = settings['client.region'] ?? settings['s3.region'];
  return {
    access: {
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(pathStyle === undefined ? {} : { forcePathStyle: pathStyle === 'true' }),
    },
    credentials,
  };
}

/** Credentials that are asked for again shortly before they end; `first` came with the table. */
export function renewed(first: Credentials, ask: () => Promise<Credentials | undefined>): () => Promise<Credentials> {
  let current = first;
  let pending: Promise<Credentials | undefined> | undefined;
  return async () => {
    const { endsAtMs } = current;
    if (endsAtMs === undefined || endsAtMs - Date.now() > SHORT_MS) return current;
    pending ??= ask().finally(() => {
      pending = undefined;
    });
    current = (await pending) ?? current;
    return current;
  };
}

function storageCredentials(value: unknown, location: string): Readonly<Record<string, string>> {
  const all: readonly unknown[] = Array.isArray(value) ? value : [];
  const fitting = all.flatMap((one) => {
    const { prefix, config } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    return typeof prefix === 'string' && location.startsWith(prefix) ? [{ prefix, config: texts(config) }] : [];
  });
  return fitting.sort((a, b) => b.prefix.length - a.prefix.length)[0]?.config ?? {};
}

function credentialsOf(
  settings: Readonly<Record<string, string>>,
  accessKeyId: string,
  secretAccessKey: string,
): Credentials {
  const sessionToken = settings['s3.session-token'];
  const endsAtMs = Number(settings['s3.session-token-expires-at-ms'] ?? Number.NaN);
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(Number.isFinite(endsAtMs) ? { endsAtMs } : {}),
  };
}

function remoteSigning(place: string): TailraceError {
  return new TailraceError(
    'CATALOG',
    'The catalog gives no credentials, but wants to sign each request to S3 itself.',
    {
      place,
      expected: 'vended credentials, or your own',
      found: 's3.remote-signing-enabled=true',
      hint: "Let the catalog vend credentials, or set the catalog's `credentials: own` and use AWS credentials of your own.",
    },
  );
}
