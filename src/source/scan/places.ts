/**
 * The segments of a scan: which are done, which are open and where they go on. Segments are begun in their order, from a
 * queue, so that all below `next` are done but for those that are open: what is to be remembered does not grow with their
 * number. A place belongs to its number of segments; with another one it means nothing.
 */
import { createHash } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import type { ScanPlaces } from '../../model/table.ts';

/** A segment that a worker reads. */
export interface OpenSegment {
  readonly segment: number;
  /** JSON text of the key behind which it goes on; undefined: at its beginning. */
  readonly key: string | undefined;
}

export class SegmentQueue {
  readonly segments: number;
  #next: number;
  readonly #open = new Map<number, string | null>();
  /** Open ones that no worker has taken since the scan was taken up. */
  readonly #waiting: number[] = [];
  readonly #items = new Map<number, number>();

  constructor(from: number | ScanPlaces) {
    const { segments, next, open } = typeof from === 'number' ? { segments: from, next: 0, open: [] } : from;
    this.segments = segments;
    this.#next = next;
    for (const [segment, key] of open) {
      this.#open.set(segment, key);
      this.#waiting.push(segment);
    }
  }

  /** The next segment to read; undefined when all are begun. */
  take(): OpenSegment | undefined {
    const segment = this.#waiting.shift() ?? (this.#next < this.segments ? this.#next++ : undefined);
    if (segment === undefined) return undefined;
    const key = this.#open.get(segment) ?? null;
    this.#open.set(segment, key);
    return { segment, key: key ?? undefined };
  }

  /** A page of the segment is spooled; without a key the segment is done. */
  advance(segment: number, key: string | undefined, items: number): void {
    if (key === undefined) this.#open.delete(segment);
    else this.#open.set(segment, key);
    this.#items.set(segment, (this.#items.get(segment) ?? 0) + items);
  }

  places(): ScanPlaces {
    return { segments: this.segments, next: this.#next, open: [...this.#open].sort(([a], [b]) => a - b) };
  }

  get done(): number {
    return this.#next - this.#open.size;
  }

  get open(): number {
    return this.#open.size;
  }

  get complete(): boolean {
    return this.done === this.segments;
  }

  /** The segment with the most items of this run, and how many those are. */
  largest(): { readonly segment: number; readonly items: number } | undefined {
    let found: { segment: number; items: number } | undefined;
    for (const [segment, items] of this.#items)
      if (found === undefined || items > found.items) found = { segment, items };
    return found;
  }
}

/**
 * Tells when a segment goes round in a circle, which a sound table never lets it do. One key is remembered, for twice as
 * many pages each time (Brent), so that any circle is found, sooner or later, and nothing grows.
 */
export class Circle {
  #kept: string | undefined;
  #span = 1;
  #left = 1;

  constructor(start: string | undefined) {
    this.#kept = start;
  }

  /** Whether the segment was behind this key before. */
  closes(key: string): boolean {
    if (key === this.#kept) return true;
    this.#left -= 1;
    if (this.#left > 0) return false;
    this.#kept = key;
    this.#span *= 2;
    this.#left = this.#span;
    return false;
  }
}

/** Places as the object beside the table holds them. */
export function encodePlaces(places: ScanPlaces): { readonly body: Buffer; readonly digest: string } {
  const body = Buffer.from(JSON.stringify(places));
  return { body, digest: digestOf(body) };
}

/** The places of an object, which must be the one that was recorded. */
export function decodePlaces(body: Uint8Array, digest: string, place: string): ScanPlaces {
  if (digestOf(body) === digest) return JSON.parse(Buffer.from(body).toString('utf8')) as ScanPlaces;
  throw new TailraceError('TARGET_BAD', 'The places of the interrupted scan are not those that the table recorded.', {
    place,
    expected: `SHA-256 ${digest}…`,
    found: `SHA-256 ${digestOf(body)}…`,
    hint: 'The file was changed or damaged: restore it, or load the table anew into another target.',
  });
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16);
}

/** A scan that reads this many segments, where nobody says. */
export function segmentsFor(bytes: number): number {
  return Math.min(MAX_DEFAULT_SEGMENTS, Math.max(MIN_DEFAULT_SEGMENTS, Math.ceil(bytes / SEGMENT_BYTES)));
}

/** Enough that workers end together; so few that a small table takes few calls. */
const MIN_DEFAULT_SEGMENTS = 32;
const MAX_DEFAULT_SEGMENTS = 10_000;
const SEGMENT_BYTES = 128 * 1024 * 1024;
