/**
 * A laboratory for everything that reaches objects through the storage port. One laboratory stands for one process:
 * it numbers the calls of all storages that it wraps, from 1, and a script says what befalls each. A process that is
 * killed stays dead: each later call, and each stream still open, fails with Killed and has no effect.
 */
import type { Readable } from 'node:stream';
import { PassThrough, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../src/model/errors.ts';
import type { GetOptions, PutCondition, PutOutcome, Storage } from '../../src/storage/port.ts';

export type Operation =
  | 'head'
  | 'get'
  | 'getStream'
  | 'list'
  | 'listFolder'
  | 'put'
  | 'putIf'
  | 'putStream'
  | 'adopt'
  | 'copy'
  | 'delete';

export interface Call {
  readonly number: number;
  readonly operation: Operation;
  readonly uri: string;
}

/** What can befall a call, as it shows at the port (a storage hides what it can mend itself). */
export type Fault =
  /** The process dies. */
  | { readonly kind: 'kill'; readonly when: 'before' | 'after' }
  /** Applied, but nobody hears: putIf says `unknown`, other calls fail as UNREACHABLE. */
  | { readonly kind: 'lose reply' }
  /** Not applied, and nobody can know: as above. */
  | { readonly kind: 'lose request' }
  /** The caller hears nothing; so much later it is applied all the same. */
  | { readonly kind: 'apply late'; readonly ms: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** What a storage makes of an answer that it could not mend: 412 is `exists` for putIf, 403 ACCESS_DENIED. */
  | { readonly kind: 'answer'; readonly status: 403 | 409 | 412 | 429 | 500 | 503 }
  | { readonly kind: 'disk full' }
  /** A read that ends after so many bytes as if it were whole. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** A read that fails after so many bytes. */
  | { readonly kind: 'break'; readonly bytes: number };

export type Script = (call: Call) => Fault | undefined;

export class Killed extends Error {
  constructor() {
    super('The process was killed.');
    this.name = 'Killed';
  }
}

export class Laboratory {
  readonly calls: (Call & { readonly fault: Fault | undefined })[] = [];
  readonly #script: Script;
  readonly #streams = new Set<Readable>();
  readonly #late: Promise<unknown>[] = [];
  dead = false;

  constructor(script: Script = () => undefined) {
    this.#script = script;
  }

  wrap(storage: Storage): Storage {
    return new FaultyStorage(storage, this);
  }

  /** Numbered lines of what was called, and what befell it. */
  log(): string {
    return this.calls
      .map(
        ({ number, operation, uri, fault }) =>
          `${String(number).padStart(4)} ${operation} ${uri}${fault ? `  <-- ${JSON.stringify(fault)}` : ''}`,
      )
      .join('\n');
  }

  /** Does one call under the script; `lost` is what the caller sees when nobody hears the answer. */
  async call<T>(
    operation: Operation,
    uri: string,
    work: () => Promise<T>,
    lost: () => T = () => {
      throw unreachable(uri);
    },
  ): Promise<T> {
    const fault = this.enter(operation, uri);
    if (fault?.kind === 'lose request') return lost();
    if (fault?.kind === 'apply late') {
      this.#late.push(
        sleep(fault.ms)
          .then(work)
          .catch(() => undefined),
      );
      return lost();
    }
    if (fault?.kind === 'answer') throw answered(fault.status, uri);
    if (fault?.kind === 'disk full')
      throw new TailraceError('DISK_FULL', `The disk of ${uri} is full.`, { place: uri, hint: 'Free some space.' });
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (this.dead) throw new Killed();
    // A call that finds nothing, and says so, is a call like any other: the process may die after it, too.
    const result = await work().finally(() => {
      if (fault?.kind === 'kill') this.kill();
    });
    // Another call may have killed the process while this one was on its way.
    if (this.dead) throw new Killed();
    return fault?.kind === 'lose reply' ? lost() : result;
  }

  /** Counts a call and gives what befalls it; throws when the process is dead, or dies before the call. */
  enter(operation: Operation, uri: string): Fault | undefined {
    if (this.dead) throw new Killed();
    const call = { number: this.calls.length + 1, operation, uri };
    const fault = this.#script(call);
    this.calls.push({ ...call, fault });
    if (fault?.kind === 'kill' && fault.when === 'before') {
      this.kill();
      throw new Killed();
    }
    return fault;
  }

  /** Waits until all that was to be applied late has been. */
  async settle(): Promise<void> {
    await Promise.all(this.#late);
  }

  kill(): void {
    this.dead = true;
    for (const stream of this.#streams) stream.destroy(new Killed());
  }

  /** Streams that end with the process. */
  watch<S extends Readable>(stream: S): S {
    this.#streams.add(stream);
    stream.on('error', () => undefined);
    return stream.once('close', () => this.#streams.delete(stream)) as S;
  }

  faultOf(callNumber: number): Fault | undefined {
    return this.calls[callNumber - 1]?.fault;
  }
}

class FaultyStorage implements Storage {
  readonly kind;
  readonly #inner: Storage;
  readonly #lab: Laboratory;

  constructor(inner: Storage, lab: Laboratory) {
    this.kind = inner.kind;
    this.#inner = inner;
    this.#lab = lab;
  }

  uri(key: string) {
    return this.#inner.uri(key);
  }
  key(uri: string) {
    return this.#inner.key(uri);
  }
  localPath(key: string) {
    return this.#inner.localPath(key);
  }
  close() {
    return this.#inner.close();
  }

  head(key: string) {
    return this.#lab.call('head', this.uri(key), () => this.#inner.head(key));
  }

  async get(key: string, options?: GetOptions) {
    const number = this.#lab.calls.length + 1;
    const bytes = await this.#lab.call('get', this.uri(key), () => this.#inner.get(key, options));
    const fault = this.#lab.faultOf(number);
    if (fault?.kind === 'break' && fault.bytes < bytes.length) throw unreachable(this.uri(key));
    return fault?.kind === 'truncate' ? bytes.slice(0, fault.bytes) : bytes;
  }

  async getStream(key: string, options?: GetOptions) {
    const number = this.#lab.calls.length + 1;
    let opened: Readable | undefined;
    const open = async (): Promise<Readable> => {
      opened = await this.#inner.getStream(key, options);
      return opened;
    };
    const stream = await this.#lab.call('getStream', this.uri(key), open).catch((error: unknown) => {
      // Nobody else will close what the caller was never given.
      opened?.destroy();
      throw error;
    });
    const fault = this.#lab.faultOf(number);
    const cut = fault?.kind === 'truncate' || fault?.kind === 'break' ? fault : undefined;
    return this.#lab.watch(cut ? cutStream(stream, cut, this.uri(key)) : stream);
  }

  async *list(prefix: string, options?: { readonly signal?: AbortSignal }) {
    yield* await this.#lab.call('list', this.uri(prefix), async () => this.#alive(this.#inner.list(prefix, options)));
  }

  async *listFolder(prefix: string) {
    yield* await this.#lab.call('listFolder', this.uri(prefix), async () =>
      this.#alive(this.#inner.listFolder(prefix)),
    );
  }

  put(key: string, body: Uint8Array) {
    return this.#lab.call('put', this.uri(key), () => this.#inner.put(key, body));
  }

  async putIf(key: string, body: Uint8Array, condition: PutCondition): Promise<PutOutcome> {
    const cause = unreachable(this.uri(key));
    const number = this.#lab.calls.length + 1;
    const lost = (): PutOutcome => ({ kind: 'unknown', cause });
    try {
      return await this.#lab.call('putIf', this.uri(key), () => this.#inner.putIf(key, body, condition), lost);
    } catch (error) {
      const fault = this.#lab.faultOf(number);
      if (fault?.kind === 'answer' && fault.status === 412) return { kind: 'exists' };
      throw error;
    }
  }

  putStream(key: string, body: Readable, options?: { readonly signal?: AbortSignal }) {
    // Copied, so that a death can end the body under the storage's hands.
    const copy = this.#lab.watch(body.pipe(new PassThrough()));
    body.once('error', (error) => copy.destroy(error));
    copy.once('close', () => body.destroy());
    return this.#lab
      .call('putStream', this.uri(key), () => this.#inner.putStream(key, copy, options))
      .finally(() => copy.destroy());
  }

  adopt(key: string, localPath: string, options?: { readonly signal?: AbortSignal }) {
    return this.#lab.call('adopt', this.uri(key), () => this.#inner.adopt(key, localPath, options));
  }

  copy(fromKey: string, toKey: string, options?: { readonly signal?: AbortSignal }) {
    return this.#lab.call('copy', this.uri(toKey), () => this.#inner.copy(fromKey, toKey, options));
  }

  delete(key: string) {
    return this.#lab.call('delete', this.uri(key), () => this.#inner.delete(key));
  }

  async *#alive<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      if (this.#lab.dead) throw new Killed();
      yield item;
    }
  }
}

function cutStream(
  stream: Readable,
  cut: { readonly kind: 'truncate' | 'break'; readonly bytes: number },
  uri: string,
): Readable {
  let left = cut.bytes;
  const cutter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (left >= chunk.length) {
        left -= chunk.length;
        done(null, chunk);
        return;
      }
      this.push(chunk.subarray(0, left));
      left = 0;
      stream.unpipe(cutter);
      stream.destroy();
      if (cut.kind === 'truncate') this.push(null);
      done(cut.kind === 'break' ? unreachable(uri) : null);
    },
  });
  stream.once('error', (error) => cutter.destroy(error));
  return stream.pipe(cutter);
}

function unreachable(uri: string): TailraceError {
  return new TailraceError('UNREACHABLE', `No answer for ${uri} (laboratory).`, {
    place: uri,
    hint: 'This is a test.',
  });
}

function answered(status: number, uri: string): TailraceError {
  const code = status === 403 ? 'ACCESS_DENIED' : 'UNREACHABLE';
  return new TailraceError(code, `The store answered ${status} for ${uri} (laboratory).`, {
    place: uri,
    hint: 'This is a test.',
  });
}
