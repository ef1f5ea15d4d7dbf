/** OAuth2 client credentials (RFC 6749, 4.4): a token that is fetched anew shortly before it ends, or when it is refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../../model/errors.ts';
import { messageOf } from '../errors.ts';
import { type Auth, NoReply, type RestReply, send } from '../http.ts';
import { type RestLimits, waitBefore } from '../limits.ts';

export interface OAuth2Settings {
  readonly serverUri?: string;
  readonly clientId?: string;
  readonly clientSecret: string;
  readonly scope?: string;
  readonly audience?: string;
  readonly resource?: string;
}

interface Token {
  readonly text: string;
  /** Milliseconds since 1970 from which on a fresh one is wanted. */
  readonly staleAtMs: number;
}

/** A token is renewed when a tenth of its life is left, and at most this long before its end. */
const EARLY_MS_MAX = 5 * 60_000;

/** Tokens of an OAuth2 server; without one of its own, of the catalog. */
export function oauth2(settings: OAuth2Settings, catalogUri: string, limits: RestLimits): Auth {
  const url = new URL(settings.serverUri ?? `${catalogUri.replace(/\/+$/, '')}/v1/oauth/tokens`);
  let token: Token | undefined;
  let pending: Promise<Token> | undefined;
  const fresh = async (): Promise<Token> => {
    if (token !== undefined && Date.now() < token.staleAtMs) return token;
    // Whoever comes meanwhile waits for the same token.
    pending ??= fetchToken(url, settings, limits).finally(() => {
      pending = undefined;
    });
    token = await pending;
    return token;
  };
  return {
    headers: async () => ({ authorization: `Bearer ${(await fresh()).text}` }),
    renew: async () => {
      token = undefined;
      await fresh();
      return true;
    },
  };
}

async function fetchToken(url: URL, settings: OAuth2Settings, limits: RestLimits): Promise<Token> {
  const askedAtMs = Date.now();
  const reply = await ask(url, formOf(settings), limits);
  const body = reply.status === 200 ? parse(reply.text) : undefined;
  const text = body?.['access_token'];
  if (typeof text !== 'string' || text === '') throw refused(url, reply);
  const lifeMs = Number(body?.['expires_in'] ?? Number.POSITIVE_INFINITY) * 1000;
  if (!Number.isFinite(lifeMs)) return { text, staleAtMs: Number.POSITIVE_INFINITY };
  return { text, staleAtMs: askedAtMs + lifeMs - Math.min(lifeMs / 10, EARLY_MS_MAX) };
}

function formOf({ clientId, clientSecret, scope, audience, resource }: OAuth2Settings): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    ...(clientId === undefined ? {} : { client_id: clientId }),
    client_secret: clientSecret,
    scope: scope ?? 'catalog',
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
  }).toString();
}

async function ask(url: URL, body: string, limits: RestLimits): Promise<RestReply> {
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= limits.callAttemptsMax;
    try {
      const reply = await send({ method: 'POST', url, headers, body }, limits.callTimeoutMs);
      if (last || (reply.status !== 429 && reply.status < 500)) return reply;
    } catch (thrown) {
      if (!(thrown instanceof NoReply)) throw thrown;
      if (last) throw unreachable(url, thrown);
    }
    await sleep(waitBefore(attempt + 1, limits));
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function refused(url: URL, reply: RestReply): TailraceError {
  const { error, error_description: described } = parse(reply.text) ?? {};
  // The body of a success may hold a token, so it is never shown.
  const told =
    typeof error === 'string' ? `${error}${typeof described === 'string' ? `: ${described}` : ''}` : undefined;
  const unknown = reply.status === 200 ? 'a reply without access_token' : messageOf(reply);
  return new TailraceError('ACCESS_DENIED', 'The OAuth2 server gave no token.', {
    place: `${url.origin}${url.pathname}`,
    found: told ?? unknown,
    hint: 'Check client id, secret and scope, and that oauth.serverUri is the address of its token endpoint.',
  });
}

function unreachable(url: URL, cause: NoReply): TailraceError {
  return new TailraceError('UNREACHABLE', 'The OAuth2 server does not answer.', {
    place: `${url.origin}${url.pathname}`,
    found: cause.message,
    cause,
    hint: 'Check oauth.serverUri and the network; then run again.',
  });
}
