import type { Library } from '../../src/cli/library.ts';
import type { Sink } from '../../src/cli/print/sink.ts';
import { runCommand } from '../../src/cli/run.ts';
import type { SyncReport } from '../../src/model/report.ts';

export interface FakeSink extends Sink {
  text: string;
  writes: string[];
  closed: boolean;
}

export function fakeSink(options: { isTerminal?: boolean; columns?: number; closeAfter?: number } = {}): FakeSink {
  const sink: FakeSink = {
    isTerminal: options.isTerminal ?? false,
    columns: options.columns ?? 80,
    closed: false,
    failure: undefined,
    text: '',
    writes: [],
    async write(text) {
      if (sink.closed) return;
      sink.text += text;
      sink.writes.push(text);
      if (options.closeAfter !== undefined && sink.text.length >= options.closeAfter) sink.closed = true;
    },
    async flush() {},
  };
  return sink;
}

export const committed: SyncReport = {
  outcome: 'committed',
  source: './export',
  target: './lake/orders',
  format: 'iceberg',
  readPath: '/lake/orders/metadata',
  counts: { read: 3000, written: 2998, deleted: 0, unchanged: 0, filtered: 0, rejected: 2, rescued: 14 },
  applied: 1,
  position: {
    tableArn: 'arn:aws:dynamodb:eu-west-1:1:table/orders',
    tableId: 'id',
    watermark: '2024-01-01T00:00:00Z',
    loads: 1,
    mode: 'mirror',
    gaps: [],
    stale: 0,
  },
  snapshot: '8012345678901234567',
  schema: [
    { name: 'pk', attribute: 'pk', tag: 'S', type: 'string', id: 1 },
    { name: 'city', attribute: 'address.city', tag: 'S', type: 'string', id: 2 },
    { name: '_rescued', type: 'string', id: 3 },
  ],
  key: ['pk'],
  timings: { totalMs: 3210, learnMs: 1000, loadMs: 2000, mergeMs: 0, commitMs: 210, upkeepMs: 0 },
  bytes: { read: 12_345_678, written: 8_100_000 },
  files: { read: 4, written: 1, resumed: 0 },
  peakMemoryBytes: 312e6,
  warnings: [{ code: 'KEY_UNKNOWN', text: 'The key is not known.' }],
  rejects: '/state/rejects',
};

/** A library whose verbs fail unless a test says what they do. */
export function fakeLibrary(verbs: Partial<Library>): Library {
  const missing = (name: string) => () => {
    throw new Error(`the test called ${name}`);
  };
  return {
    sync: missing('sync'),
    inferSchema: missing('inferSchema'),
    showSchema: missing('showSchema'),
    diffSchema: missing('diffSchema'),
    query: missing('query'),
    cat: missing('cat'),
    inspect: missing('inspect'),
    maintain: missing('maintain'),
    evolveSchema: missing('evolveSchema'),
    load: missing('load'),
    demo: missing('demo'),
    doctor: missing('doctor'),
    parsePartition: (text) => [{ transform: 'identity', column: text }],
    parseSort: (text) => [{ column: text, descending: false, nullsFirst: true }],
    normalFilter: (text) => text,
    parseSince: (text) => text,
    ...verbs,
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunSettings {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly stdout?: FakeSink;
  readonly stderr?: FakeSink;
}

/** Runs the command in this process, with a library of the test's own. */
export async function run(
  words: readonly string[],
  verbs: Partial<Library> = {},
  settings: RunSettings = {},
): Promise<Ran> {
  const stdout = settings.stdout ?? fakeSink();
  const stderr = settings.stderr ?? fakeSink();
  const code = await runCommand(words, {
    env: settings.env ?? {},
    cwd: settings.cwd ?? '/nowhere',
    stdout,
    stderr,
    signal: settings.signal ?? new AbortController().signal,
    library: async () => fakeLibrary(verbs),
    now: () => 0,
  });
  return { code, out: stdout.text, err: stderr.text };
}

/** The one JSON document that stdout must be. */
export function onlyDocument(out: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(out);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`not an object: ${out}`);
  return parsed as Record<string, unknown>;
}
