/** Where text goes: a terminal, a pipe or a file. */
export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  /** True once the reader has gone away (`| head`): what is written then is dropped. */
  readonly closed: boolean;
  /** Why it closed, if not because the reader went away. */
  readonly failure: Error | undefined;
  /** Resolves when the text may be followed by more: a slow reader slows the writer down. */
  write(text: string): Promise<void>;
  /** Resolves when all that was written has left the process. */
  flush(): Promise<void>;
}

/** A sink over one of the process's streams. EPIPE closes it in silence; other errors are kept. */
export function streamSink(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Sink {
  let closed = false;
  let failure: Error | undefined;
  const waiting = new Set<() => void>();
  const release = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  stream.on('error', (error) => {
    closed = true;
    if (!('code' in error) || (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED')) failure ??= error;
    release();
  });
  stream.on('drain', release);
  return {
    isTerminal: stream.isTTY === true && env['TERM'] !== 'dumb',
    get columns() {
      return stream.columns > 0 ? stream.columns : 80;
    },
    get closed() {
      return closed;
    },
    get failure() {
      return failure;
    },
    async write(text) {
      if (closed || text === '' || stream.write(text)) return;
      await new Promise<void>((resolve) => waiting.add(resolve));
    },
    async flush() {
      if (closed) return;
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
        stream.write('', () => resolve());
      });
    },
  };
}
