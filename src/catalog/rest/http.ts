/**
 * Calls of a REST catalog. Every reply, whatever its status, comes back as a value; only a reply that never came is
 * thrown, as NoReply. What may be repeated is repeated here; commits are not, because only a look at the table can tell
 * what became of one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RestLimits } from './limits.ts';
import { waitBefore } from './limits.ts';

export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RestReply {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Proves to the catalog who calls. */
export interface Auth {
  /** The headers that go with a request. */
  headers(request: RestRequest): Promise<Readonly<Record<string, string>>>;
  /** After a refusal for the token: whether there is a fresh one now. */
  renew(): Promise<boolean>;
}

/** The connection failed or timed out: the request may have taken effect or not. */
export class NoReply extends Error {
  constructor(url: URL, cause: unknown) {
    super(`No reply from ${url.host}: ${reasonOf(cause)}`, { cause });
    this.name = 'NoReply';
  }
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** Statuses after which nothing happened, and that may pass. */
const PASSING = new Set([429, 500, 502, 503, 504]);
/** The token has ended: 419 is the specification's own. */
const UNAUTHENTICATED = new Set([401, 419]);

export class RestClient {
  readonly uri: string;
  readonly limits: RestLimits;
  readonly #auth: Auth;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(uri: string, auth: Auth, headers: Readonly<Record<string, string>>, limits: RestLimits) {
    this.uri = uri.replace(/\/+$/, '');
    this.limits = limits;
    this.#auth = auth;
    this.#headers = headers;
  }

  /** The same client at another address. */
  at(uri: string): RestClient {
    return new RestClient(uri, this.#auth, this.#headers, this.limits);
  }

  /** A call that may be repeated. Throws NoReply when the last try had none. */
  async call(method: RestRequest['method'], path: string, options: CallOptions = {}): Promise<RestReply> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= this.limits.callAttemptsMax;
      let retryAfter: string | null = null;
      try {
        const reply = await this.once(method, path, options);
        if (last || !PASSING.has(reply.status)) return reply;
        retryAfter = reply.headers.get('retry-after');
      } catch (thrown) {
        if (last || !(thrown instanceof NoReply)) throw thrown;
      }
      await sleep(waitBefore(attempt + 1, this.limits, retryAfter));
    }
  }

  /** A call that is made once; only when the token was refused, and nothing happened, once more with a fresh one. */
  async once(method: RestRequest['method'], path: string, options: CallOptions = {}): Promise<RestReply> {
    const reply = await this.#send(method, path, options);
    if (!UNAUTHENTICATED.has(reply.status) || !(await this.#auth.renew())) return reply;
    return this.#send(method, path, options);
  }

  async #send(method: RestRequest['method'], path: string, options: CallOptions): Promise<RestReply> {
    const url = new URL(`${this.uri}/${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    const { body, timeoutMs = this.limits.callTimeoutMs } = options;
    const request: RestRequest = {
      method,
      url,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...this.#headers,
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    };
    return send({ ...request, headers: { ...request.headers, ...(await this.#auth.headers(request)) } }, timeoutMs);
  }
}

/** One request and its whole reply. */
export async function send(request: RestRequest, timeoutMs: number): Promise<RestReply> {
  const { method, url, headers, body } = request;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // A redirect would take the token to another host.
    const response = await fetch(url, { method, headers, body: body ?? null, signal, redirect: 'manual' });
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch (cause) {
    throw new NoReply(url, cause);
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return 'it took too long';
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  const code = 'code' in cause ? String(cause.code) : '';
  return cause.message === '' ? code : cause.message;
}
