import type { Environment } from '../environment.ts';
import type { Sample } from '../measure.ts';
import { type Spread, spread } from '../statistics.ts';

const PEAK_MB_AIM = 600;

/** One contender on one export. */
export interface Measured {
  readonly name: string;
  readonly items: number;
  readonly jsonBytes: number;
  readonly gzipBytes: number;
  readonly samples: readonly Sample[];
}

export interface Ratio {
  readonly name: string;
  readonly aim: string;
  readonly met: boolean;
  readonly ratio: Spread;
  readonly rounds: number;
}

export interface Results {
  readonly environment: Environment;
  readonly command: string;
  readonly ratios: readonly Ratio[];
  /** Contenders on the same export. */
  readonly contenders: readonly Measured[];
  /** tailrace on exports of other sizes and kinds. */
  readonly tailrace: readonly Measured[];
  /** Parts that were not measured, and why. */
  readonly skipped: readonly string[];
  /** Parts that ended in an error or in a wrong table. */
  readonly failed: readonly string[];
}

/** The results as a page: ratios first, then the numbers behind them. */
export function renderResults(results: Results): string {
  const sections = [
    '# A full export becomes a table: results',
    ['| ratio | aim | median | min – max | rounds |', '|---|---|---|---|---|', ...results.ratios.map(ratioRow)].join(
      '\n',
    ),
    [
      "Ratios are of times, taken round by round. (a) Spark with document 2's two steps, whole jobs; (b) Spark that is given",
      'a typed schema, second run in a warm session; (c) SQL written by hand for DuckDB that is given the schema and verifies',
      'nothing; (d) tailrace with no schema given, to Iceberg, everything verified.',
    ].join('\n'),
    ...(results.failed.length === 0 ? [] : [`**Failed**: ${results.failed.join('; ')}.`]),
    ...memoryAim(results),
    '## The same export, everyone',
    table(results.contenders),
    '## tailrace on other sizes and kinds',
    table(results.tailrace),
    '## Environment',
    Object.entries(results.environment)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `Measured with \`${results.command}\`. MB are 10⁶ bytes; MB/s count the lines before compression.`,
    'How it is measured, and why it is fair: [bench/README.md](../README.md).',
    ...(results.skipped.length === 0 ? [] : [`Not measured: ${results.skipped.join('; ')}.`]),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** tailrace's greatest peak at every size, held against the aim: one limit, whatever the size. */
function memoryAim(results: Results): readonly string[] {
  const own = [...results.contenders.filter(({ name }) => name.startsWith('d:')), ...results.tailrace];
  const peaks = own.map(({ name, samples }) => ({ name, peakMb: Math.max(...samples.map(peakMegabytes)) }));
  if (peaks.length === 0) return [];
  const met = peaks.every(({ peakMb }) => peakMb <= PEAK_MB_AIM) ? 'met' : '**missed**';
  const told = peaks.map(({ name, peakMb }) => `${name} ${peakMb.toFixed(0)} MB`).join(', ');
  return [
    `Peak memory of tailrace, greatest of all runs (aim: at most ${PEAK_MB_AIM} MB at every size; ${met}): ${told}.`,
  ];
}

function peakMegabytes(sample: Sample): number {
  return sample.peakBytes / 1e6;
}

function ratioRow({ name, aim, met, ratio, rounds }: Ratio): string {
  return `| ${name} | ${aim} ${met ? '(met)' : '(**missed**)'} | ${two(ratio.median)} | ${two(ratio.min)} – ${two(ratio.max)} | ${rounds} |`;
}

function table(rows: readonly Measured[]): string {
  if (rows.length === 0) return 'Nothing was measured.';
  const head = '| what | items | MB | s, median | s, min – max | MB/s | CPU s | peak MB, median | max |';
  return [head, '|---|---|---|---|---|---|---|---|---|', ...rows.map(row)].join('\n');
}

function row({ name, items, jsonBytes, samples }: Measured): string {
  const seconds = spread(samples.map((sample) => sample.seconds));
  const cpu = spread(samples.map((sample) => sample.userSeconds + sample.systemSeconds));
  const peak = spread(samples.map(peakMegabytes));
  const cells = [
    name,
    items.toLocaleString('en'),
    (jsonBytes / 1e6).toFixed(0),
    two(seconds.median),
    `${two(seconds.min)} – ${two(seconds.max)}`,
    (jsonBytes / 1e6 / seconds.median).toFixed(0),
    cpu.median.toFixed(1),
    peak.median.toFixed(0),
    peak.max.toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

function two(value: number): string {
  return value.toFixed(2);
}
