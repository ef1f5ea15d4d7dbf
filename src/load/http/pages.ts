import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import type { HttpOptions } from '../../model/load.ts';
import { fetchPage } from './fetch.ts';
import { type FetchedPage, firstPage, nextPage } from './next.ts';
import { Secrets } from './secrets.ts';

export const HTTP_DEFAULTS: HttpOptions = {
  headers: [],
  pageStart: 1,
  pageStep: 1,
  maxPageBytes: 64e6,
  retries: 5,
  timeoutMs: 30_000,
};

/** A page on disk. */
export interface Page extends FetchedPage {
  /** Its address without secrets: what a later run goes on with. */
  readonly at: string;
  readonly bytes: number;
}

/** The pages of an API, one after another. */
export class Pages {
  readonly #url: string;
  readonly #options: HttpOptions;
  readonly #secrets: Secrets;
  readonly #file: string;
  readonly #signal: AbortSignal;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #origin: string;
  readonly #seen = new Set<string>();
  #retried = 0;

  constructor(
    url: string,
    settings: {
      readonly options: HttpOptions;
      readonly env: Readonly<Record<string, string | undefined>>;
      /** Folder for the page that is being read. */
      readonly dir: string;
      readonly signal: AbortSignal;
    },
  ) {
    this.#url = url;
    this.#options = settings.options;
    this.#secrets = new Secrets(settings.env, [url, ...settings.options.headers]);
    this.#file = join(settings.dir, 'page');
    this.#signal = settings.signal;
    const first = this.#address(url);
    this.#headers = { ...loginOf(first), ...headersOf(settings.options.headers, this.#secrets) };
    this.#origin = first.origin;
  }

  /** Requests that had to be repeated. */
  get retried(): number {
    return this.#retried;
  }

  /** The first page, or the one that an interrupted run had come to. */
  async first(from?: { readonly at: string; readonly number: number }): Promise<Page> {
    const url = from === undefined ? firstPage(this.#address(this.#url), this.#options) : this.#address(from.at);
    const page = await this.#fetch(url, from?.number ?? 1);
    if (page !== undefined) return page;
    const place = this.#secrets.conceal(url.href);
    throw new TailraceError('SOURCE_NOT_FOUND', `There is nothing at ${place} (HTTP 404).`, {
      place,
      hint: 'Check the address; --restart begins with the first page again.',
    });
  }

  /** The page behind this one; undefined behind the last. `items`: how many this one held. */
  async next(page: Page, items: number): Promise<Page | undefined> {
    if (page.number >= (this.#options.maxPages ?? Number.POSITIVE_INFINITY)) return undefined;
    const url = await nextPage(page, items, this.#options);
    if (url === undefined) return undefined;
    const next = await this.#fetch(url, page.number + 1);
    if (next !== undefined || this.#options.pageParam !== undefined) return next;
    const place = this.#secrets.conceal(url.href);
    throw new TailraceError(
      'SOURCE_NOT_FOUND',
      `There is nothing at ${place} (HTTP 404), the page that page ${page.number} names as its next.`,
      {
        place,
        hint: 'Run again later: the load goes on with this page. --restart begins with the first page, --max-pages ends before this one.',
      },
    );
  }

  async #fetch(address: URL, number: number): Promise<Page | undefined> {
    const url = withoutLogin(address);
    const at = this.#secrets.conceal(url.href).replaceAll(/\$%7B(\w+)%7D/g, '$${$1}');
    const digest = createHash('sha256').update(url.href).digest('base64').slice(0, 16);
    if (this.#seen.has(digest)) {
      throw new TailraceError('INPUT_BAD', `The pages go in a circle: page ${number} is one that was read.`, {
        place: at,
        hint: 'Check --next-path, --next-param and --page-param.',
      });
    }
    this.#seen.add(digest);
    const request = { url, headers: this.#headers, origin: this.#origin, file: this.#file, options: this.#options };
    const reply = await fetchPage({ ...request, secrets: this.#secrets, signal: this.#signal });
    if (reply === undefined) return undefined;
    this.#retried += reply.retried;
    const { headers, bytes, answered } = reply;
    return { url, answered, headers, file: this.#file, number, at, bytes };
  }

  #address(text: string): URL {
    const url = URL.parse?.(this.#secrets.revealUrl(text, 'the address')) ?? null;
    if (url !== null) return url;
    throw new TailraceError('USAGE', `${text} is no address.`, { place: text, expected: 'http:// or https://…' });
  }
}

/** `https://user:password@host/`, which fetch does not take: a header says the same, to this host only. */
function loginOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

function withoutLogin(address: URL): URL {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url;
}

/** Name of a page for the recognition of its format: its path, or what its header says. */
export function pageName({ url, headers }: FetchedPage): string {
  const type = headers.get('content-type') ?? '';
  if (/\bcsv\b/i.test(type)) return 'page.csv';
  if (/ndjson|jsonl|json-lines/i.test(type)) return 'page.jsonl';
  return /\bjson\b/i.test(type) ? 'page.json' : url.pathname;
}

function headersOf(lines: readonly string[], secrets: Secrets): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw new TailraceError('USAGE', '--header is not of the form Name: value.', {
          place: '--header',
          expected: 'Name: value',
          hint: "Put it in quotes: --header 'X-API-Key: ${API_KEY}'.",
        });
      }
      return [name.toLowerCase(), secrets.reveal(value, `--header ${name}`)] as const;
    }),
  );
}
