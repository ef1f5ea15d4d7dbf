/**
 * One HTTP/1.1 reply as its bytes come. A body of stated length is read straight into the buffer that it stays in: nothing
 * is allocated or copied on its way, which for pages of Scan halves what receiving them takes. Other bodies are gathered.
 */
import { CUT, DynamoFailure } from './errors.ts';

/** A whole reply. */
export interface WireReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';
const HEAD_BYTES_MAX = 64 * 1024;
/** A reply has at most a megabyte of items, which JSON makes at most some times as large. */
export const REPLY_BYTES_MAX = 64 * 1024 * 1024;

type Head = Omit<WireReply, 'body'>;

export class ReplyReader {
  readonly #alloc: (bytes: number) => Buffer;
  #head: Head | undefined;
  /** Bytes of the head, or of a body whose length nobody stated. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #body: Buffer | undefined;
  #bodyBytes = 0;
  #done: WireReply | undefined;

  constructor(alloc: (bytes: number) => Buffer) {
    this.#alloc = alloc;
  }

  /** Where the next bytes are to be read to; undefined: anywhere, they are copied from there. */
  get room(): Buffer | undefined {
    const body = this.#done === undefined ? this.#body : undefined;
    return body === undefined || this.#bodyBytes === body.length ? undefined : body.subarray(this.#bodyBytes);
  }

  /** Takes bytes, those that were read to `room` or others; gives the reply once it is whole. */
  add(bytes: Buffer, inRoom: boolean): WireReply | undefined {
    if (this.#body !== undefined) {
      if (!inRoom) bytes.copy(this.#body, this.#bodyBytes);
      this.#bodyBytes += bytes.length;
      if (this.#bodyBytes > this.#body.length) throw new DynamoFailure(CUT, 'a body is longer than its reply says');
      return this.#whole(this.#bodyBytes === this.#body.length ? this.#body : undefined);
    }
    this.#gathered.push(Buffer.from(bytes));
    this.#gatheredBytes += bytes.length;
    if (this.#head === undefined) return this.#readHead();
    return this.#readGathered(this.#head);
  }

  /** The connection has ended: gives the reply, if that is how its body ends. */
  end(): WireReply | undefined {
    if (this.#done !== undefined) return this.#done;
    if (this.#head === undefined) return undefined;
    const { headers } = this.#head;
    const open = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
    if (open) return this.#whole(Buffer.concat(this.#gathered));
    throw new DynamoFailure(CUT, `a body broke off after ${this.#bodyBytes + this.#gatheredBytes} bytes`);
  }

  #readHead(): WireReply | undefined {
    const bytes = this.#gathered.length === 1 ? (this.#gathered[0] as Buffer) : Buffer.concat(this.#gathered);
    const end = bytes.indexOf(HEAD_END);
    if (end < 0 && bytes.length <= HEAD_BYTES_MAX) return undefined;
    const head = end < 0 ? undefined : headOf(bytes.toString('latin1', 0, end));
    if (head === undefined) throw new DynamoFailure(CUT, 'a reply is no HTTP');
    const rest = bytes.subarray(end + HEAD_END.length);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    // "100 Continue" and its like come before the reply.
    if (head.statusCode < 200) return rest.length === 0 ? undefined : this.add(rest, false);
    this.#head = head;
    const length = head.headers['transfer-encoding'] === undefined ? head.headers['content-length'] : undefined;
    if (length !== undefined) {
      if (!/^\d{1,9}$/.test(length) || Number(length) > REPLY_BYTES_MAX)
        throw new DynamoFailure(CUT, `a body has more than ${REPLY_BYTES_MAX} bytes`);
      this.#body = this.#alloc(Number(length));
    }
    return rest.length === 0 && length !== '0' ? undefined : this.add(rest, false);
  }

  #readGathered({ headers }: Head): WireReply | undefined {
    if (this.#gatheredBytes > REPLY_BYTES_MAX)
      throw new DynamoFailure(CUT, `a body has more than ${REPLY_BYTES_MAX} bytes`);
    if (headers['transfer-encoding'] === undefined) return undefined;
    return this.#whole(unchunked(Buffer.concat(this.#gathered)));
  }

  #whole(body: Buffer | undefined): WireReply | undefined {
    if (body !== undefined && this.#head !== undefined) this.#done = { ...this.#head, body };
    return this.#done;
  }
}

/** Status and headers; undefined for what is no HTTP/1. */
function headOf(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { statusCode: Number(status), headers };
}

/** The body of a chunked reply; undefined while some is missing. */
function unchunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (Number.isNaN(size)) throw new DynamoFailure(CUT, 'a chunk of a body has no size');
    const next = end + 2 + size + 2;
    if (next > bytes.length) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
