import type { Library } from './library.ts';
import type { Sink } from './print/sink.ts';

/** Everything outside that a command touches; tests give their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly library: () => Promise<Library>;
  /** Milliseconds of some monotonic clock. */
  readonly now: () => number;
}
