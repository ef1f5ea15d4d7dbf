import { TailraceError } from '../model/errors.ts';
import type { Verdict } from '../pacing/retry.ts';

/** A call that failed, as the service, the network or the reply's checksum says. It holds nothing of the request. */
export class DynamoFailure extends Error {
  /** The service's name of it (`ResourceNotFoundException`), the network's (`ECONNRESET`), or one of CUT and CRC. */
  readonly code: string;
  readonly status: number | undefined;
  /** For the SDK, which corrects its clock by the date of a refusal. */
  readonly $metadata: { readonly httpStatusCode?: number; clockSkewCorrected?: boolean };
  readonly $response?: unknown;

  constructor(code: string, message: string, status?: number, response?: unknown) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
    this.$metadata = status === undefined ? {} : { httpStatusCode: status };
    if (response !== undefined)
      Object.defineProperty(this, '$response', { value: response, enumerable: false, configurable: true });
  }
}

/** The body ended before its length, or is not what such a reply holds. */
export const CUT = 'ReplyCutShort';
/** The body is not the one that its checksum is of. */
export const CRC = 'ReplyChecksum';

const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequestsException',
]);
/** Their status may say it, too; one that comes with another status passes as well. */
const PASSING = new Set([
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'RequestTimeout',
  'RequestTimeoutException',
]);
const EXPIRED = new Set(['ExpiredTokenException', 'ExpiredToken', 'RequestExpired', 'TokenRefreshRequired']);
/** Of the SDK's own: it found none, or what hands them out failed. */
const NO_CREDENTIALS = 'CredentialsProviderError';
const CREDENTIALS = new Set([
  ...EXPIRED,
  NO_CREDENTIALS,
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'RequestTimeTooSkewed',
]);
const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|TimeoutError|UND_|ERR_STREAM_PREMATURE|HPE_)/;

/** Reads any thrown value. */
export function failureOf(thrown: unknown): DynamoFailure {
  if (thrown instanceof DynamoFailure) return thrown;
  if (!(thrown instanceof Error)) return new DynamoFailure('Unknown', String(thrown));
  const { code, name, message } = thrown as NodeJS.ErrnoException;
  return new DynamoFailure(name === 'Error' || name === 'AggregateError' ? (code ?? name) : name, message);
}

/** What a failure says of another try. */
export function verdictOf(thrown: unknown): Verdict {
  const { code, status, $metadata } = failureOf(thrown);
  if (THROTTLED.has(code) || status === 429) return 'throttled';
  if ($metadata.clockSkewCorrected === true) return 'transient';
  const bySender = code === CUT || code === CRC || PASSING.has(code) || status === 408;
  return bySender || (status !== undefined && status >= 500) || isNetwork(thrown) ? 'transient' : 'final';
}

function isNetwork(thrown: unknown): boolean {
  const { code } = failureOf(thrown);
  const inner = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? '') : '';
  return NETWORK.test(code) || NETWORK.test(inner);
}

/** True when the credentials have ended: others may have taken their place. */
export function isExpired(thrown: unknown): boolean {
  return EXPIRED.has(failureOf(thrown).code);
}

/** True for a code that speaks of the credentials, and not of what they permit. */
export function isCredentialCode(code: string): boolean {
  return CREDENTIALS.has(code);
}

/** True when there is no such table. */
export function isNoTable(thrown: unknown): boolean {
  return failureOf(thrown).code === 'ResourceNotFoundException';
}

/** The error of a call on a table, as one that may leave tailrace. `permission`: what the call needs. */
export function dynamoError(thrown: unknown, table: string, permission: string): Error {
  if (thrown instanceof TailraceError) return thrown;
  const failure = failureOf(thrown);
  const { code, status, message } = failure;
  const details = { place: `dynamodb:${table}`, cause: new Error(`${code}: ${message}`) };
  if (isNoTable(thrown))
    return new TailraceError('SOURCE_NOT_FOUND', `There is no DynamoDB table ${table}.`, {
      ...details,
      hint: 'Check the name, the account, the region and the endpoint; a table of another account is named by its ARN.',
    });
  if (CREDENTIALS.has(code)) {
    const text =
      code === NO_CREDENTIALS
        ? `No credentials for table ${table} were found`
        : `The credentials for table ${table} were not accepted`;
    return new TailraceError('ACCESS_DENIED', `${text} (${code}).`, {
      ...details,
      hint: 'Renew them, or check profile and AWS_ variables; the same command then goes on.',
    });
  }
  if (code === 'AccessDeniedException' || status === 401 || status === 403)
    return new TailraceError('ACCESS_DENIED', `Access to table ${table} was denied (${code}).`, {
      ...details,
      hint: `Allow ${permission} on it; the same command then goes on.`,
    });
  if (code === CRC || code === CUT)
    return new TailraceError('DATA_CHECKSUM', `Replies for table ${table} do not arrive whole: ${message}.`, {
      ...details,
      hint: 'Something between here and DynamoDB changes or cuts them; the same command then goes on.',
    });
  if (code === 'ValidationException')
    return new TailraceError('USAGE', `DynamoDB refused the call for table ${table}: ${message}.`, {
      ...details,
      hint: 'Check the name of the table.',
    });
  const overloaded = verdictOf(thrown) !== 'final';
  return new TailraceError('UNREACHABLE', `No use of table ${table}: ${message} (${code}).`, {
    ...details,
    hint: overloaded
      ? 'Check the endpoint, the region and the network; the same command then goes on.'
      : 'See the cause in the log (--log-level debug).',
  });
}
