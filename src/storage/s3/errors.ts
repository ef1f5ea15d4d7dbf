import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, PreconditionFailed } from '../port.ts';

/** What a failed call says of itself, without the request (which holds signatures). */
export interface Failure {
  /** The store's code, or the network's: `NoSuchKey`, `ECONNREFUSED`. */
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
const NO_BUCKET = new Set(['NoSuchBucket', 'InvalidBucketName']);
/** Of the SDK's own: it found none, or what hands them out failed. */
const NO_CREDENTIALS = 'CredentialsProviderError';
const CREDENTIALS = new Set([
  NO_CREDENTIALS,
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'XAdminUserNotFound',
  'AuthorizationHeaderMalformed',
]);

/** Reads any thrown value. */
export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { code: 'Unknown', status: undefined, message: String(thrown) };
  const { $metadata, code, Code } = thrown as Error & Readonly<Record<'$metadata' | 'code' | 'Code', unknown>>;
  const status = isStatus($metadata) ? $metadata.httpStatusCode : undefined;
  const named = [Code, thrown.name === 'Error' || thrown.name === 'AggregateError' ? code : thrown.name, code].find(
    (name): name is string => typeof name === 'string' && name !== '',
  );
  return { code: named ?? thrown.name, status, message: thrown.message };
}

function isStatus(value: unknown): value is { readonly httpStatusCode: number } {
  return (
    typeof value === 'object' && value !== null && 'httpStatusCode' in value && typeof value.httpStatusCode === 'number'
  );
}

/** True when the credentials or the bucket are wrong: no other call would fare better. */
export function isHopeless(thrown: unknown): boolean {
  const { code } = failureOf(thrown);
  return CREDENTIALS.has(code) || NO_BUCKET.has(code);
}

/** True for a code that speaks of the credentials, and not of what they permit. */
export function isCredentialCode(code: string): boolean {
  return CREDENTIALS.has(code);
}

/** True when the object is not there: its bucket is, and the credentials are good. */
export function isMissing(thrown: unknown): boolean {
  const { code, status } = failureOf(thrown);
  return code === 'NoSuchKey' || (status === 404 && !isHopeless(thrown) && code !== 'NoSuchUpload');
}

/** The error of a call on `uri`, as one that may leave the storage. */
export function s3Error(thrown: unknown, uri: string, endpoint: string | undefined): Error {
  if (thrown instanceof TailraceError || thrown instanceof ObjectNotFound || thrown instanceof PreconditionFailed) {
    return thrown;
  }
  const failure = failureOf(thrown);
  const { code, status, message } = failure;
  const details = { place: uri, cause: plain(failure) };
  if (NO_BUCKET.has(code)) {
    const hint = 'Check the bucket name, the account and the endpoint; tailrace makes no buckets.';
    return new TailraceError('UNREACHABLE', `There is no bucket for ${uri} (${code}).`, { ...details, hint });
  }
  if (CREDENTIALS.has(code)) {
    const hint = 'Check the profile or the AWS_ variables, and that they belong to this endpoint and region.';
    const text =
      code === NO_CREDENTIALS ? `No credentials for ${uri} were found` : `The credentials for ${uri} were not accepted`;
    return new TailraceError('ACCESS_DENIED', `${text} (${code}).`, {
      ...details,
      hint,
    });
  }
  if (isMissing(thrown)) return new ObjectNotFound(uri);
  if (code === 'PreconditionFailed' || status === 412) return new PreconditionFailed(uri);
  if (code.startsWith('KMS') || (status === 403 && /kms/i.test(message))) {
    const hint = 'Enable the key, and allow kms:GenerateDataKey and kms:Decrypt on it; then run again.';
    return new TailraceError('ACCESS_DENIED', `The encryption key of ${uri} may not be used (${code}).`, {
      ...details,
      hint,
    });
  }
  if (status === 401 || status === 403) {
    const hint =
      'Allow s3:ListBucket on the bucket, s3:GetObject to read, s3:PutObject, s3:DeleteObject and ' +
      's3:AbortMultipartUpload to write; then run again.';
    return new TailraceError('ACCESS_DENIED', `Access to ${uri} was denied (${code}).`, { ...details, hint });
  }
  if (NETWORK.test(code) || status === undefined) {
    const at = endpoint === undefined ? 'S3' : withoutUser(endpoint);
    const hint = 'Check the endpoint, the region and the network; then run again.';
    return new TailraceError('UNREACHABLE', `No answer from ${at} for ${uri} (${code}).`, { ...details, hint });
  }
  const hint =
    status >= 500 || status === 429
      ? 'The store is overloaded or broken: run again later.'
      : 'See the cause in the log (--log-level debug).';
  return new TailraceError('UNREACHABLE', `The store failed for ${uri}: ${message} (${code}, HTTP ${status}).`, {
    ...details,
    hint,
  });
}

function plain(failure: Failure): Error {
  return new Error(
    `${failure.code}${failure.status === undefined ? '' : ` (HTTP ${failure.status})`}: ${failure.message}`,
  );
}

function withoutUser(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, '//');
}
