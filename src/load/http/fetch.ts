/** One page of an HTTP API, whole or not at all: it lies on disk before any of its items is loaded. */
import { open } from 'node:fs/promises';
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type { HttpOptions } from '../../model/load.ts';
import { Retrier, type Verdict } from '../../pacing/retry.ts';
import { writeFault } from '../../source/lines/write.ts';
import { unpackedFile } from '../input/bytes.ts';
import { BrokenJson, ElementCutter } from '../input/elements.ts';
import type { Secrets } from './secrets.ts';

const REDIRECTS_MAX = 5;
const RETRY_AFTER_MAX_MS = 5 * 60_000;

export interface PageRequest {
  readonly url: URL;
  /** With their secrets. They are sent to this origin only. */
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly file: string;
  readonly options: HttpOptions;
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
}

export interface PageReply {
  readonly headers: Headers;
  /** Where the answer came from, behind all redirects. */
  readonly answered: URL;
  readonly bytes: number;
  readonly retried: number;
}

/** A try that failed, and what it says of the next one. */
class PageFault extends Error {
  readonly verdict: Verdict;
  readonly error: TailraceError;
  constructor(verdict: Verdict, error: TailraceError) {
    super(error.message);
    this.verdict = verdict;
    this.error = error;
  }
}

/** Fetches a page into a file. Undefined: the server says that there is no such page. */
export async function fetchPage(request: PageRequest): Promise<PageReply | undefined> {
  const { retries } = request.options;
  const limits = { attemptsMax: retries + 1, budget: 1_000, cost: 1, backoffBaseMs: 250, backoffCapMs: 20_000 };
  const retrier = new Retrier({ limits });
  try {
    const reply = await retrier.run(
      () => once(request),
      (thrown) => (thrown instanceof PageFault ? thrown.verdict : 'final'),
      request.signal,
    );
    return reply === undefined ? undefined : { ...reply, retried: retrier.repeats };
  } catch (thrown) {
    throw thrown instanceof PageFault ? thrown.error : thrown;
  }
}

async function once(request: PageRequest): Promise<Omit<PageReply, 'retried'> | undefined> {
  const { file, options, signal } = request;
  const silence = new Silence(options.timeoutMs);
  const place = placeOf(request, request.url);
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    const { response, url } = await followed(request, both);
    if (response.status === 404) return undefined;
    if (!response.ok) throw await refusal(response, place, signal);
    const bytes = await saved(response, file, options.maxPageBytes, place, silence);
    if (/\bjson\b/i.test(response.headers.get('content-type') ?? '')) await checkWhole(file, place);
    return { headers: response.headers, answered: url, bytes };
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof PageFault || thrown instanceof TailraceError) throw thrown;
    const what = silence.signal.aborted ? `no byte for ${options.timeoutMs / 1000} s` : reasonOf(thrown);
    throw new PageFault('transient', unreachable(place, what, thrown));
  } finally {
    silence.end();
  }
}

/** Aborts when nothing has come for so long. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
  }
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  heard(): void {
    this.#timer.refresh();
  }
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Redirects are followed by hand: headers with secrets must not go to another origin. */
async function followed(request: PageRequest, signal: AbortSignal): Promise<{ response: Response; url: URL }> {
  let url = request.url;
  for (let redirects = 0; ; redirects += 1) {
    const headers = url.origin === request.origin ? request.headers : {};
    const response = await fetch(url, { headers: { accept: ACCEPT, ...headers }, redirect: 'manual', signal });
    const target = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || target === null) return { response, url };
    await response.body?.cancel();
    const next = new URL(target, url);
    const place = placeOf(request, url);
    if (redirects >= REDIRECTS_MAX || (url.protocol === 'https:' && next.protocol !== 'https:')) {
      throw new TailraceError('INPUT_BAD', `${place} redirects to where a load does not follow.`, {
        place,
        found: placeOf(request, next),
        hint: 'Name the address itself.',
      });
    }
    url = next;
  }
}

const ACCEPT = 'application/json, application/x-ndjson, text/csv;q=0.9, */*;q=0.1';

async function refusal(response: Response, place: string, signal: AbortSignal): Promise<PageFault> {
  const { status } = response;
  await response.body?.cancel();
  if (status === 401 || status === 403) {
    const error = new TailraceError('ACCESS_DENIED', `${place} does not let us in (HTTP ${status}).`, {
      place,
      hint: 'Give its key with --header or in the address, as ${NAME} of an environment variable.',
    });
    return new PageFault('final', error);
  }
  if (status === 429 || status === 408 || status >= 500) {
    const after = retryAfterMs(response.headers.get('retry-after'));
    if (after > 0) await sleep(after, signal);
    return new PageFault('transient', unreachable(place, `HTTP ${status}`, undefined));
  }
  const error = new TailraceError('INPUT_BAD', `${place} refuses the request (HTTP ${status}).`, {
    place,
    hint: 'Check the address and the options of pages; a token of an earlier run may have ended: --restart begins anew.',
  });
  return new PageFault('final', error);
}

/** Seconds, or a date. */
function retryAfterMs(text: string | null): number {
  if (text === null) return 0;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : 0;
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { setTimeout: wait } = await import('node:timers/promises');
  await wait(ms, undefined, { signal });
}

async function saved(
  response: Response,
  path: string,
  maxBytes: number,
  place: string,
  silence: Silence,
): Promise<number> {
  const file = await open(path, 'w', 0o600).catch((thrown: unknown) => {
    throw asTailraceError(writeFault(thrown, path));
  });
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      silence.heard();
      bytes += (chunk as Uint8Array).length;
      if (bytes > maxBytes) {
        throw new TailraceError('INPUT_BAD', `The page at ${place} is too large.`, {
          place,
          found: `more than ${maxBytes} bytes`,
          hint: 'Ask for smaller pages, or allow larger ones with --max-page-size.',
        });
      }
      await file.writeFile(chunk as Uint8Array).catch((thrown: unknown) => {
        throw asTailraceError(writeFault(thrown, path));
      });
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** A body that was cut short is fetched again, where HTTP itself did not notice. */
async function checkWhole(path: string, place: string): Promise<void> {
  const cutter = new ElementCutter();
  try {
    for await (const chunk of unpackedFile(path)) for (const _ of cutter.push(chunk)) void _;
    for (const _ of cutter.end()) void _;
  } catch (thrown) {
    const broken = thrown instanceof BrokenJson ? thrown : undefined;
    if (broken === undefined && !(thrown instanceof TailraceError && thrown.code === 'INPUT_BAD')) throw thrown;
    const what = broken?.message ?? 'its gzip ends too early or is damaged';
    throw new PageFault(
      'transient',
      new TailraceError('INPUT_BAD', `The page at ${place} is no whole JSON: ${what}.`, {
        place: broken === undefined ? place : `${place}, byte ${broken.offset}`,
        hint: 'See what the server sends there.',
      }),
    );
  }
}

function unreachable(place: string, what: string, cause: unknown): TailraceError {
  return new TailraceError('UNREACHABLE', `${place} does not give its page: ${what}.`, {
    place,
    hint: 'Run again later: the load goes on with this page. --http-retries and --http-timeout give it more time.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Without secrets, and without the parameters that would only be long. */
function placeOf({ secrets }: PageRequest, url: URL): string {
  return secrets.conceal(`${url.origin}${url.pathname}${url.search}`).slice(0, 300);
}

function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = (cause as NodeJS.ErrnoException).code;
  return code ?? (cause instanceof Error ? cause.message : String(cause));
}
