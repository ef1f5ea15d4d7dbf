import type { Environment } from '../environment.ts';
import type { Sample } from '../measure.ts';
import { pairRatios, spread } from '../statistics.ts';
import type { WindowPoint } from './windows.ts';

export interface Results {
  readonly environment: Environment;
  readonly command: string;
  readonly items: number;
  /** Everyone on one window and one table. */
  readonly main: ReadonlyMap<string, readonly Sample[]>;
  /** tailrace: the same window, larger tables. */
  readonly scales: ReadonlyMap<string, readonly Sample[]>;
  readonly points: readonly WindowPoint[];
}

const AIMS = [
  { above: 'Spark MERGE, merge-on-read, whole job', aim: 12 },
  { above: 'Spark MERGE, merge-on-read, warm', aim: 4 },
  { above: 'delta-rs merge', aim: 1 },
] as const;

/** The results as a page: ratios first, then the numbers behind them. */
export function renderResults(results: Results): string {
  const sections = [
    '# A window of changes becomes part of a table: results',
    ratios(results.main),
    'Ratios are of times, taken round by round: how many times as long as tailrace the other takes.',
    `## One window of ${(results.items / 10).toLocaleString('en')} changes, a table of ${results.items.toLocaleString('en')} rows`,
    table(results.main),
    '## The same window, larger tables (tailrace)',
    table(results.scales),
    ...(results.points.length === 0 ? [] : ['## Small windows in a row (tailrace)', curve(results.points)]),
    '## Environment',
    Object.entries(results.environment)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `Measured with \`${results.command}\`. MB are 10⁶ bytes. How it is measured: [bench/README.md](../README.md).`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function ratios(samples: ReadonlyMap<string, readonly Sample[]>): string {
  const seconds = (name: string): number[] => (samples.get(name) ?? []).map((sample) => sample.seconds);
  const own = seconds('tailrace');
  const rows = AIMS.flatMap(({ above, aim }) => {
    const other = seconds(above);
    if (other.length === 0 || own.length === 0) return [];
    const ratio = pairRatios(other, own);
    const met = ratio.median >= aim ? 'met' : '**missed**';
    return [`| ${above} | ≥ ${aim} (${met}) | ${two(ratio.median)} | ${two(ratio.min)} – ${two(ratio.max)} |`];
  });
  return ['| against | aim | median | min – max |', '|---|---|---|---|', ...rows].join('\n');
}

function table(samples: ReadonlyMap<string, readonly Sample[]>): string {
  if (samples.size === 0) return 'Not measured.';
  const rows = [...samples].map(([name, list]) => {
    const seconds = spread(list.map((sample) => sample.seconds));
    const cpu = spread(list.map((sample) => sample.userSeconds + sample.systemSeconds));
    const peak = spread(list.map((sample) => sample.peakBytes / 1e6));
    return `| ${name} | ${two(seconds.median)} | ${two(seconds.min)} – ${two(seconds.max)} | ${cpu.median.toFixed(1)} | ${peak.median.toFixed(0)} | ${peak.max.toFixed(0)} | ${list.length} |`;
  });
  const head = '| what | s, median | min – max | CPU s | peak MB, median | max | rounds |';
  return [head, '|---|---|---|---|---|---|---|', ...rows].join('\n');
}

function curve(points: readonly WindowPoint[]): string {
  const rows = points.map(
    ({ windows, commitMs, cpuMs, readMs, dataFiles, deleteFiles, objects, metadataBytes }) =>
      `| ${windows} | ${commitMs.toFixed(0)} | ${cpuMs.toFixed(0)} | ${readMs.toFixed(0)} | ${dataFiles} | ${deleteFiles} | ${objects} | ${(metadataBytes / 1000).toFixed(0)} |`,
  );
  return [
    '| windows | ms a window (mean of the last) | ms of processor time | ms to read all rows | data files | delete files | objects in the table | metadata KB |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function two(value: number): string {
  return value.toFixed(2);
}
