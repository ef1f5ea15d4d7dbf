import { TailraceError } from '../../model/errors.ts';
import type { HttpOptions } from '../../model/load.ts';
import { unpackedFile } from '../input/bytes.ts';
import { BrokenJson, cutElements } from '../input/elements.ts';
import { parsePath } from '../input/path.ts';

/** A page that was fetched: where it came from, its headers, its bytes on disk, and how many items it held. */
export interface FetchedPage {
  readonly url: URL;
  /** Where the answer came from, behind all redirects: what the addresses in it are relative to. */
  readonly answered: URL;
  readonly headers: Headers;
  readonly file: string;
  /** From 1. */
  readonly number: number;
}

/** The address of the page behind this one, or undefined behind the last. `items`: how many this one held. */
export async function nextPage(page: FetchedPage, items: number, options: HttpOptions): Promise<URL | undefined> {
  if (options.pageParam !== undefined) return items === 0 ? undefined : counted(page, options.pageParam, options);
  if (options.nextPath === undefined) return linked(page);
  const token = await tokenOf(page, options.nextPath);
  if (token === undefined) return undefined;
  if (options.nextParam === undefined) return addressOf(token, page.answered);
  const next = new URL(page.url);
  next.searchParams.set(options.nextParam, token);
  return next;
}

/** The first page of an API whose pages are counted is named, too. */
export function firstPage(url: URL, { pageParam, pageStart }: HttpOptions): URL {
  if (pageParam === undefined || url.searchParams.has(pageParam)) return url;
  const first = new URL(url);
  first.searchParams.set(pageParam, String(pageStart));
  return first;
}

function counted({ url }: FetchedPage, pageParam: string, { pageStart, pageStep }: HttpOptions): URL {
  const next = new URL(url);
  const now = Number(url.searchParams.get(pageParam) ?? pageStart);
  next.searchParams.set(pageParam, String(now + pageStep));
  return next;
}

/** RFC 8288: `<https://…?page=2>; rel="next", <…>; rel="last"`. */
function linked({ answered, headers }: FetchedPage): URL | undefined {
  const header = headers.get('link') ?? '';
  for (const [, target = '', parameters = ''] of header.matchAll(/<([^>]*)>((?:\s*;\s*[^;,"]+(?:"[^"]*")?)*)/g)) {
    const relations = /;\s*rel\s*=\s*"?([^";]*)"?/i.exec(parameters)?.[1] ?? '';
    if (relations.toLowerCase().split(/\s+/).includes('next')) return addressOf(target, answered);
  }
  return undefined;
}

function addressOf(text: string, base: URL): URL {
  try {
    return new URL(text, base);
  } catch {
    throw new TailraceError('INPUT_BAD', 'The page names no address as its next one.', {
      place: base.origin + base.pathname,
      found: text.slice(0, 80),
      expected: 'an address',
      hint: 'If it is a token, name the query parameter that takes it with --next-param.',
    });
  }
}

/** Nothing, null, false or an empty text end the pages. */
async function tokenOf({ file }: FetchedPage, path: string): Promise<string | undefined> {
  try {
    for await (const { bytes } of cutElements(unpackedFile(file), parsePath(path, '--next-path'))) {
      const text = bytes.toString('utf8');
      if (text === 'null' || text === 'false' || text === '""') return undefined;
      // A number is taken as it is written: a token may have more digits than a float.
      return text.startsWith('"') ? (JSON.parse(text) as string) : text;
    }
  } catch (thrown) {
    // A last page may have no such member.
    if (!(thrown instanceof BrokenJson)) throw thrown;
  }
  return undefined;
}
