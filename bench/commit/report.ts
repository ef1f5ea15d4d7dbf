import type { Environment } from '../environment.ts';
import { pairRatios, spread } from '../statistics.ts';
import type { Compared } from './compare.ts';
import { KEPT, type LongRow, STRIDE } from './long.ts';
import { ROWS } from './writers.ts';

export interface Results {
  readonly environment: Environment;
  readonly command: string;
  /** Of each side, in each catalog. */
  readonly commits: number;
  readonly compared: readonly Compared[];
  readonly rows: readonly LongRow[];
}

/** The results as a page. */
export function renderResults({ environment, command, commits, compared, rows }: Results): string {
  const sections = [
    '# Small commits: results',
    ...(compared.length === 0
      ? []
      : [`## ${commits} commits of ${ROWS} rows each, in turns`, besideEachOther(compared)]),
    ...(rows.length === 0 ? [] : ['## Commits in a row', inARow(rows)]),
    '## Environment',
    Object.entries(environment)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `Measured with \`${command}\`. How it is measured: [bench/README.md](../README.md).`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function besideEachOther(compared: readonly Compared[]): string {
  const rows = compared.map(({ title, tailrace, pyiceberg }) => {
    const own = tailrace.map(({ ms }) => ms);
    const other = pyiceberg?.map(({ ms }) => ms);
    const ratio = other === undefined ? undefined : pairRatios(other, own).median;
    const aim = ratio === undefined ? '' : ratio >= 1 ? '' : ' **slower**';
    const cells = [title, ...two(own), ...(other === undefined ? ['—', '—'] : two(other))];
    return `| ${[...cells, ratio === undefined ? '—' : `${ratio.toFixed(2)}${aim}`].join(' | ')} |`;
  });
  return [
    'Milliseconds to load the table, write a data file, and commit it. The ratio is the median, pair by pair, of how many',
    `times as long as tailrace PyIceberg takes.${failed(compared)}`,
    '',
    '| catalog | tailrace, median | 99 % | PyIceberg, median | 99 % | ratio (aim: ≥ 1) |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function failed(compared: readonly Compared[]): string {
  const counts = compared.map(({ title, pyiceberg = [] }) => {
    const failures = pyiceberg.reduce((sum, cost) => sum + (cost.failures ?? 0), 0);
    return failures === 0
      ? ''
      : ` ${failures} appends of PyIceberg failed on ${title}, and were made again, outside the clock.`;
  });
  return counts.join('');
}

function two(ms: readonly number[]): readonly string[] {
  const sorted = [...ms].sort((a, b) => a - b);
  const most = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? Number.NaN;
  return [spread(ms).median.toFixed(1), most.toFixed(1)];
}

function inARow(rows: readonly LongRow[]): string {
  const most = Math.max(...rows.map(({ points }) => points.length));
  const ends = Array.from({ length: most }, (_, at) => `${(at + 1) * STRIDE}`);
  const cells = (points: LongRow['points'], of: 'ms' | 'cpuMs'): string =>
    ends.map((_, at) => points[at]?.[of].toFixed(0) ?? '').join(' | ');
  const growth = ({ points }: LongRow): string => ((points.at(-1)?.ms ?? 0) / (points[0]?.ms ?? 1)).toFixed(2);
  const expiries = rows.flatMap(({ title, expiries: all }) =>
    all.length === 0 ? [] : [`${title} ${spread(all).median.toFixed(0)}`],
  );
  return [
    `Milliseconds a commit: the median of the ${STRIDE} commits that end there. “of processor”: of the writer’s own process.`,
    `Where snapshots expire, the newest ${KEPT} are left; an expiry took, in ms (median): ${expiries.join(', ')}.`,
    '',
    `| catalog, writer | ${ends.join(' | ')} | last / first |`,
    `|---|${ends.map(() => '---|').join('')}---|`,
    ...rows.map((row) => `| ${row.title}: ${row.who} | ${cells(row.points, 'ms')} | ${growth(row)} |`),
    ...rows.map((row) => `| of processor: ${row.title}: ${row.who} | ${cells(row.points, 'cpuMs')} | |`),
  ].join('\n');
}
