/**
 * A parallel Scan of one table: workers take segments from a queue, page after page, at a pace that they share, and fill
 * one piece after the other. Invariants:
 * - a page that is spooled moves its segment's place on in the same statement; a page that failed moves nothing;
 * - a piece ends between two pages, together with the places at that moment;
 * - what stops one worker ends the piece behind what was read until then, and is thrown behind that piece.
 */
import { setMaxListeners } from 'node:events';
import type { DynamoApi } from '../../dynamodb/api.ts';
import type { DescribedTable } from '../../dynamodb/describe.ts';
import { dynamoError } from '../../dynamodb/errors.ts';
import { TailraceError } from '../../model/errors.ts';
import type { ScanPlaces } from '../../model/table.ts';
import type { Pacer } from '../../pacing/pacer.ts';
import { BufferPool } from './buffers.ts';
import type { ScanLimits } from './limits.ts';
import { type Page, readPage } from './page.ts';
import { Circle, SegmentQueue } from './places.ts';
import { type Piece, Spool } from './spool.ts';

export interface ScanInput {
  readonly api: DynamoApi;
  readonly pacer: Pacer;
  readonly table: DescribedTable;
  /** How many segments, for a scan that begins; where they are, for one that goes on. */
  readonly from: number | ScanPlaces;
  readonly consistent: boolean;
  /** Further members of each request, such as a filter. */
  readonly request?: Readonly<Record<string, unknown>>;
  readonly dir: string;
  readonly budgetBytes: number;
  readonly commitEveryMs: number;
  readonly limits: ScanLimits;
  readonly signal: AbortSignal;
  /** Told of each page. */
  readonly onPage?: () => void;
}

/** A piece with what is true at its end. */
export interface EndedPiece {
  readonly piece: Piece;
  /** Times of the first request of this run, and of the last answer that is in the piece, in ms since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly places: ScanPlaces;
  readonly complete: boolean;
}

/** A page takes at most so many units: a megabyte, read eventually consistent. */
const PAGE_UNITS = 128;
/** At a slow pace pages are made so small that they come about every so often. */
const PAGE_SECONDS = 1;
const UNITS_PER_BYTE = 1 / 8_192;

export class TableScan {
  readonly #in: ScanInput;
  readonly #queue: SegmentQueue;
  readonly #spool: Spool;
  readonly #pool: BufferPool;
  readonly #alloc = (bytes: number): Buffer => this.#pool.take(bytes);
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ended: EndedPiece[] = [];
  #waiting: (() => void)[] = [];
  #workers: Promise<void> | undefined;
  #failure: { readonly thrown: unknown } | undefined;
  #finished = false;
  #fromMs = 0;
  #toMs = 0;
  #pieceSince = 0;
  #items = 0;
  #scanned = 0;
  #units = 0;

  constructor(input: ScanInput) {
    this.#in = input;
    this.#queue = new SegmentQueue(input.from);
    const { fileBytes, pendingBytes, workers } = input.limits;
    const { dir, budgetBytes } = input;
    this.#pool = new BufferPool(2 * workers);
    this.#spool = new Spool({ dir, fileBytes, pendingBytes, budgetBytes, pool: this.#pool });
    this.#signal = AbortSignal.any([input.signal, this.#stop.signal]);
    // Each worker waits for it more than once at a time.
    setMaxListeners(0, this.#signal);
  }

  get queue(): SegmentQueue {
    return this.#queue;
  }

  get items(): number {
    return this.#items;
  }

  /** Items that DynamoDB read, those that a filter left out, too. */
  get scanned(): number {
    return this.#scanned;
  }

  get units(): number {
    return this.#units;
  }

  /** Begins to read, and gives the piece that is filled: its first files can be used before its last are there. */
  begin(): Piece {
    if (this.#workers === undefined) {
      this.#fromMs = this.#in.api.nowMs();
      this.#toMs = this.#fromMs;
      this.#pieceSince = performance.now();
      const count = Math.min(this.#in.limits.workers, this.#queue.segments);
      this.#workers = Promise.all(Array.from({ length: count }, () => this.#work())).then(
        () => this.#finish(),
        () => this.#finish(),
      );
    }
    return this.#ended[0]?.piece ?? this.#spool.piece;
  }

  /** The end of the piece that `begin` gave. */
  async ended(): Promise<EndedPiece> {
    while (this.#ended.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#ended.shift() as EndedPiece;
  }

  /** Whether another piece follows behind those that ended; throws what stopped the scan, once all of them were taken. */
  follows(): boolean {
    if (this.#ended.length > 0) return true;
    if (this.#failure !== undefined) throw this.#failure.thrown;
    return !this.#finished;
  }

  release(piece: Piece): void {
    this.#spool.release(piece);
  }

  /** Ends all work that is under way. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the scan was closed'));
    await this.#workers;
    await this.#spool.end();
  }

  async #work(): Promise<void> {
    try {
      for (let taken = this.#queue.take(); taken !== undefined; taken = this.#queue.take()) {
        let { key } = taken;
        const circle = new Circle(key);
        do {
          await this.#spool.room(this.#signal);
          const page = await this.#page(taken.segment, key);
          if (page.next !== undefined && (page.next === key || circle.closes(page.next)))
            throw this.#endless(taken.segment);
          this.#add(taken.segment, page);
          key = page.next;
        } while (key !== undefined);
      }
    } catch (thrown) {
      this.#failure ??= { thrown };
      this.#stop.abort(thrown);
      throw thrown;
    }
  }

  async #page(segment: number, key: string | undefined): Promise<Page> {
    const { api, pacer, table } = this.#in;
    const body = this.#request(segment, key);
    const { named } = table;
    try {
      return await pacer.pace(() => api.call('Scan', named, body, readPage, this.#signal, this.#alloc), {
        costOf: (page) => this.#cost(page),
        signal: this.#signal,
      });
    } catch (thrown) {
      throw this.#signal.aborted ? thrown : dynamoError(thrown, named, 'dynamodb:DescribeTable and dynamodb:Scan');
    }
  }

  #endless(segment: number): TailraceError {
    return new TailraceError('DATA_CHECKSUM', `Segment ${segment} of the scan goes round in a circle.`, {
      place: `dynamodb:${this.#in.table.named}`,
      expected: 'keys that go on, page after page',
      found: 'a LastEvaluatedKey that the segment was behind before',
      hint: 'Something between here and DynamoDB repeats its replies; without it, the same command goes on.',
    });
  }

  #request(segment: number, key: string | undefined): string {
    const { table, consistent, request } = this.#in;
    const limit = this.#limit();
    const fixed = JSON.stringify({
      ...request,
      TableName: table.named,
      Segment: segment,
      TotalSegments: this.#queue.segments,
      ReturnConsumedCapacity: 'TOTAL',
      ...(consistent ? { ConsistentRead: true } : {}),
      ...(limit === undefined ? {} : { Limit: limit }),
    });
    return key === undefined ? fixed : `${fixed.slice(0, -1)},"ExclusiveStartKey":${key}}`;
  }

  /** How many items a page may have at a slow pace, by what items took until now; a whole page would come as a burst. */
  #limit(): number | undefined {
    const units = this.#in.pacer.unitsPerSecond * PAGE_SECONDS;
    if (units >= 2 * PAGE_UNITS) return undefined;
    const perItem = this.#scanned === 0 ? 1 : Math.max(this.#units / this.#scanned, 1e-3);
    return Math.max(1, Math.floor(units / perItem));
  }

  #cost(page: Page): number {
    return page.units ?? page.body.length * UNITS_PER_BYTE * (this.#in.consistent ? 2 : 1);
  }

  #add(segment: number, page: Page): void {
    const { limits, commitEveryMs, onPage } = this.#in;
    const full = this.#spool.piece.bytes >= limits.pieceBytes;
    const old = this.#spool.piece.items > 0 && performance.now() - this.#pieceSince >= commitEveryMs;
    if (full || old) this.#cut();
    const units = this.#cost(page);
    this.#spool.add(page, units);
    this.#pool.give(page.body);
    this.#queue.advance(segment, page.next, page.items);
    this.#toMs = this.#in.api.nowMs();
    this.#items += page.items;
    this.#scanned += page.scanned;
    this.#units += units;
    onPage?.();
  }

  #cut(): void {
    const { complete } = this.#queue;
    const piece = this.#spool.cut();
    const [fromMs, toMs] = [this.#fromMs, this.#toMs];
    this.#ended.push({ piece, fromMs, toMs, places: this.#queue.places(), complete });
    this.#pieceSince = performance.now();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #finish(): void {
    this.#finished = true;
    this.#cut();
  }
}
