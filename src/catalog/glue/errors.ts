/** What Glue's refusals mean, and the errors that leave this catalog. */
import { TailraceError } from '../../model/errors.ts';
import { failureOf } from '../../storage/s3/errors.ts';

/**
 * What a failed change tells of itself:
 * - `raced`: it was refused, because the table is not what it was, or because another change is under way;
 * - `busy`: it was refused before anybody looked at it, and may be tried again;
 * - `refused`: it was refused for good;
 * - `unclear`: it may have taken place, or may still do so.
 */
export type Refusal = 'raced' | 'busy' | 'refused' | 'unclear';

const RACED = new Set(['ConcurrentModificationException', 'AlreadyExistsException', 'EntityNotFoundException']);
const BUSY = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'ResourceNotReadyException',
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const CREDENTIALS = new Set([
  ...EXPIRED,
  'CredentialsProviderError',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'SignatureDoesNotMatch',
]);
const DENIED = new Set(['AccessDeniedException', 'AccessDenied', 'PermissionTypeMismatchException']);
// Only what Glue itself says is believed: a page of a gateway in between may hide a success.
const REFUSED = new Set([
  ...CREDENTIALS,
  ...DENIED,
  'InvalidInputException',
  'ValidationException',
  'ResourceNumberLimitExceededException',
  'GlueEncryptionException',
  'OperationNotSupportedException',
  'SerializationException',
]);

/** How a failed change is to be taken. */
export function refusalOf(thrown: unknown): Refusal {
  const { code, status } = failureOf(thrown);
  if (status === 429 || BUSY.has(code)) return 'busy';
  if (status !== undefined && status >= 500) return 'unclear';
  if (RACED.has(code)) return 'raced';
  return REFUSED.has(code) ? 'refused' : 'unclear';
}

/** Whether a code speaks of the credentials, and not of what they permit. */
export function isCredentialCode(code: string): boolean {
  return CREDENTIALS.has(code);
}

/** Whether the thing that a call speaks of is not there. */
export function isAbsent(thrown: unknown): boolean {
  return failureOf(thrown).code === 'EntityNotFoundException';
}

/** Whether a call met a thing that is there already. */
export function isTaken(thrown: unknown): boolean {
  return failureOf(thrown).code === 'AlreadyExistsException';
}

/** Whether the credentials ended while they were used: others may have been issued meanwhile. */
export function isExpired(thrown: unknown): boolean {
  return EXPIRED.has(failureOf(thrown).code);
}

/** The error of a failed call. `what` was to be done, such as `read the table`; `place` is what it was about. */
export function glueError(thrown: unknown, what: string, place: string): TailraceError {
  if (thrown instanceof TailraceError) return thrown;
  const { code, status, message } = failureOf(thrown);
  const details = { place, cause: new Error(`${code}${status === undefined ? '' : ` (HTTP ${status})`}: ${message}`) };
  if (DENIED.has(code)) {
    return new TailraceError('ACCESS_DENIED', `Glue does not allow us to ${what} (${code}).`, {
      ...details,
      found: message,
      hint: 'Grant the action that the message names; docs/guides/catalog-glue.md has the whole policy. Where Lake Formation governs the database, grant it there, too.',
    });
  }
  if (CREDENTIALS.has(code) || status === 401 || status === 403) {
    return new TailraceError('ACCESS_DENIED', `Glue did not accept the credentials (${code}).`, {
      ...details,
      hint: 'Check the profile or the AWS_ variables, and that they belong to this region.',
    });
  }
  if (status === undefined) {
    return new TailraceError('UNREACHABLE', `No answer from Glue (${code}): it was to ${what}.`, {
      ...details,
      hint: 'Check the region, the endpoint and the network; then run again.',
    });
  }
  if (status >= 500 || status === 429 || BUSY.has(code)) {
    return new TailraceError('UNREACHABLE', `Glue is overloaded or broken: it was to ${what} (${code}).`, {
      ...details,
      found: message,
      hint: 'Run again later.',
    });
  }
  return new TailraceError('CATALOG', `Glue refuses to ${what}: ${sentence(message)} (${code}).`, {
    ...details,
    hint: 'Change what the message names; docs/guides/catalog-glue.md tells what Glue allows.',
  });
}

function sentence(text: string): string {
  return text.trim().replace(/\.$/, '');
}
