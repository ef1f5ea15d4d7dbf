/** What a REST catalog's refusals become. Bodies may be JSON, HTML or nothing. */
import { TailraceError } from '../../model/errors.ts';
import { WIDE_KEYS } from '../metadata/json.ts';
import { parseWithSnapshots } from '../metadata/known-snapshots.ts';
import { NoReply, type RestReply } from './http.ts';

/** Enough of a body to tell what is wrong. */
const SHOWN_LENGTH = 600;

/** The body as JSON; undefined where it is none. 64-bit numbers are exact. */
export function jsonOf(reply: RestReply): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseWithSnapshots(reply.text, WIDE_KEYS);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** What the catalog says of its refusal, on one line. */
export function messageOf(reply: RestReply): string {
  const error = jsonOf(reply)?.['error'];
  const { message, type } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const told = typeof message === 'string' && message !== '' ? message : undefined;
  const named = typeof type === 'string' && type !== '' ? `${type}: ` : '';
  const text = told === undefined ? withoutTags(reply.text) : `${named}${told}`;
  const line = (text.trim().split('\n')[0] ?? '').slice(0, SHOWN_LENGTH);
  return `${line === '' ? 'no message' : line} (HTTP ${reply.status})`;
}

/** The error of a call that the catalog refused or failed. `what`: what was asked, as `load the table a.b`. */
export function refusalOf(reply: RestReply, what: string, place: string): TailraceError {
  const told = messageOf(reply);
  const { status } = reply;
  const details = { place, found: told };
  if (status === 401 || status === 419) {
    return new TailraceError('ACCESS_DENIED', `The catalog did not accept the credentials to ${what}.`, {
      ...details,
      hint: 'Check the token, or the client id and secret, that the catalog is configured with.',
    });
  }
  if (status === 403) {
    return new TailraceError('ACCESS_DENIED', `The catalog does not allow to ${what}.`, {
      ...details,
      hint: "Grant the permission in the catalog; its own message stands under 'found'.",
    });
  }
  if (status === 429 || status >= 500) {
    return new TailraceError('UNREACHABLE', `The catalog failed to ${what}.`, {
      ...details,
      hint: 'The catalog is overloaded or broken: run again later.',
    });
  }
  return new TailraceError('CATALOG', `The catalog refused to ${what}.`, {
    ...details,
    hint:
      status >= 300 && status < 400
        ? 'The catalog answers at another address: name that one as its uri.'
        : "Its own message stands under 'found'; check the catalog's uri, warehouse and the table's name.",
  });
}

/** The error of a call that had no reply. */
export function noReplyError(thrown: unknown, what: string, place: string): unknown {
  if (!(thrown instanceof NoReply)) return thrown;
  return new TailraceError('UNREACHABLE', `The catalog does not answer: it was asked to ${what}.`, {
    place,
    found: thrown.message,
    cause: thrown,
    hint: 'Check the uri of the catalog and the network; then run again.',
  });
}

function withoutTags(text: string): string {
  const title = /<(?:title|h1)[^>]*>([^<]*)</i.exec(text)?.[1];
  return title ?? text.replaceAll(/<[^>]*>/g, ' ').trim();
}
