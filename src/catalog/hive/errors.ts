/** What failed calls of a Metastore mean to the user. */
import { TailraceError } from '../../model/errors.ts';
import { Lost } from './thrift/connection.ts';
import { Refusal } from './thrift/message.ts';

const TEXT_MAX = 500;
const DENIED =
  /permission denied|not authori[sz]ed|authorization fail|no privilege|not have privilege|access ?control/i;

/** The error of a failed call. `what` was to be done, such as `read the table`; `place` is what it was about. */
export function hiveError(thrown: unknown, what: string, place: string): unknown {
  if (thrown instanceof Lost) {
    return new TailraceError('UNREACHABLE', `The Hive Metastore does not answer: ${firstLine(thrown)}.`, {
      place,
      cause: thrown,
      hint:
        'See whether the address and the port are those of its Thrift service, without TLS and Kerberos, ' +
        'and whether it can be reached from here.',
    });
  }
  if (!(thrown instanceof Refusal)) return thrown;
  if (DENIED.test(thrown.message)) {
    return new TailraceError('ACCESS_DENIED', `The Hive Metastore does not permit to ${what}: ${firstLine(thrown)}`, {
      place,
      cause: thrown,
      hint: 'Ask for that permission, or name another `user` in the settings of the catalog.',
    });
  }
  return new TailraceError('CATALOG', `The Hive Metastore refuses to ${what}: ${firstLine(thrown)}`, {
    place,
    cause: thrown,
    hint: "The Metastore's log tells more.",
  });
}

/** Whether the thing that a call speaks of is not there. */
export function isAbsent(thrown: unknown): boolean {
  return thrown instanceof Refusal && /^(?:NoSuchObject|UnknownDB)Exception$/.test(thrown.exception);
}

/** Whether a call met a thing that is there already. */
export function isTaken(thrown: unknown): boolean {
  return thrown instanceof Refusal && thrown.exception === 'AlreadyExistsException';
}

/** Whether a column's new type was refused at the place of an older one. */
export function isIncompatible(thrown: unknown): boolean {
  return thrown instanceof Refusal && /types incompatible/.test(thrown.message);
}

/** Whether a Metastore that compares by itself found something else than was expected. */
export function isModified(thrown: unknown): boolean {
  return thrown instanceof Refusal && /The table has been modified/.test(thrown.message);
}

/** Whether a refused change certainly came to nothing; other exceptions tell of troubles of the server's own. */
export function isDefinite(refusal: Refusal): boolean {
  return (
    /^(?:InvalidObject|InvalidOperation|NoSuchObject|AlreadyExists)Exception$/.test(refusal.exception) ||
    DENIED.test(refusal.message)
  );
}

/** What a server said, as part of a sentence: it may have sent a whole stack. */
export function firstLine(thrown: Error): string {
  return (thrown.message.split('\n', 1)[0] ?? '').slice(0, TEXT_MAX).replace(/\.$/, '');
}
