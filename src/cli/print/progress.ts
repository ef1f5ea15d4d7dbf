import type { Progress } from '../../model/options.ts';
import { cutText } from './text-width.ts';
import { formatClock, formatSize, shortCount } from './units.ts';

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;
/** The rate is that of the last ten seconds, so that a resumed run does not count what it skipped. */
const RATE_WINDOW_MS = 10_000;
const ERASE_TO_END = '\u001b[K';

export interface ProgressTarget {
  readonly isTerminal: boolean;
  readonly columns: () => number;
  readonly write: (text: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface ProgressLine {
  update(progress: Progress): void;
  /** Writes whole lines in place of the progress line, which comes back below them. */
  interject(text: string): void;
  /** Takes the line off the terminal. */
  clear(): void;
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

const PHASES: Readonly<Record<Progress['phase'], string>> = {
  plan: 'planning',
  learn: 'learning the schema',
  load: 'loading',
  commit: 'committing',
};

/** Bytes a second over the samples; undefined until there is something to divide by. */
function rateOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 500 || last.bytes <= first.bytes)
    return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

/** `loading  12/48 files  1.20M/6.00M items  84.0 MB/s  0:42 left`; what is not known is left out. */
export function progressText(progress: Progress, bytesPerSecond: number | undefined): string {
  if (progress.scan !== undefined) return scanText(progress, progress.scan);
  if (progress.write !== undefined) return writeText(progress, progress.write, bytesPerSecond);
  const { step } = progress;
  const parts = [`${step === undefined ? '' : `export ${step.number}/${step.count}  `}${PHASES[progress.phase]}`];
  if (progress.filesTotal > 0) parts.push(`${progress.filesDone}/${progress.filesTotal} files`);
  if (progress.itemsTotal > 0) parts.push(`${shortCount(progress.itemsDone)}/${shortCount(progress.itemsTotal)} items`);
  if (bytesPerSecond !== undefined && (progress.phase === 'learn' || progress.phase === 'load')) {
    parts.push(`${formatSize(bytesPerSecond)}/s`);
    const left = progress.bytesTotal - progress.bytesDone;
    if (left > 0) parts.push(`${formatClock((left / bytesPerSecond) * 1000)} left`);
  }
  return parts.join('  ');
}

/** `reading  12.3k items  7/32 segments  480/500 RCU/s  0:42 left`. */
function scanText({ itemsDone }: Progress, scan: NonNullable<Progress['scan']>): string {
  const { segmentsDone, segments, open, unitsPerSecond, limit, secondsLeft } = scan;
  const most = Number.isFinite(limit) ? `/${Math.round(limit)}` : '';
  const last = open === 1 && segmentsDone === segments - 1 && segments > 1;
  const parts = ['reading', `${shortCount(itemsDone)} items`, `${segmentsDone}/${segments} segments`];
  parts.push(`${Math.round(unitsPerSecond)}${most} RCU/s`);
  if (last) parts.push('one segment left, which one worker reads');
  if (secondsLeft !== undefined) parts.push(`${formatClock(secondsLeft * 1000)} left`);
  return parts.join('  ');
}

/** `loading  12.3k items  480/500 WCU/s  0:42 left`; the time follows from the bytes that are read. */
function writeText(
  { itemsDone, bytesDone, bytesTotal }: Progress,
  { unitsPerSecond, limit }: NonNullable<Progress['write']>,
  bytesPerSecond: number | undefined,
): string {
  const most = Number.isFinite(limit) ? `/${Math.round(limit)}` : '';
  const parts = ['loading', `${shortCount(itemsDone)} items`, `${Math.round(unitsPerSecond)}${most} WCU/s`];
  const left = bytesTotal - bytesDone;
  if (bytesPerSecond !== undefined && left > 0) parts.push(`${formatClock((left / bytesPerSecond) * 1000)} left`);
  return parts.join('  ');
}

/** Progress on stderr: one line rewritten in place on a terminal, else a plain line now and then. */
export function createProgress({ isTerminal, columns, write, now }: ProgressTarget): ProgressLine {
  const interval = isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  const startedAt = now();
  let shownAt = isTerminal ? Number.NEGATIVE_INFINITY : startedAt;
  let latest: Progress | undefined;
  let samples: Sample[] = [];
  let shown = '';
  const draw = (): void => {
    if (latest === undefined) return;
    shownAt = now();
    const text = progressText(latest, rateOf(samples));
    if (!isTerminal) {
      write(`${text}\n`);
      return;
    }
    const line = cutText(text, Math.max(0, columns() - 1));
    if (line === shown) return;
    shown = line;
    write(`\r${line}${ERASE_TO_END}`);
  };
  return {
    update(progress) {
      if (latest?.phase !== progress.phase) samples = [];
      latest = progress;
      const at = now();
      const lastSample = samples.at(-1);
      if (lastSample === undefined || at - lastSample.at >= TERMINAL_INTERVAL_MS)
        samples.push({ at, bytes: progress.bytesDone });
      while (samples.length > 2 && at - (samples[0]?.at ?? at) > RATE_WINDOW_MS) samples.shift();
      if (at - shownAt >= interval) draw();
    },
    interject(text) {
      // One write, so that no other output can come between the line's end and its return.
      write(shown === '' ? text : `\r${ERASE_TO_END}${text}${shown}${ERASE_TO_END}`);
    },
    clear() {
      if (shown !== '') write(`\r${ERASE_TO_END}`);
      shown = '';
      latest = undefined;
    },
  };
}
