import type { ChainExport, ChainReport } from '../../model/report.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { plural } from './units.ts';

/** Of a long run of windows, the first and last so many are shown. */
const SHOWN = 4;

/** The exports of one table as a line of time: what is applied, where it stops, what waits, and what is left out. */
export function chainText(chain: ChainReport, style: Style): string[] {
  const of = (state: ChainExport['state']): ChainExport[] => chain.exports.filter((each) => each.state === state);
  const [next, waiting, skipped] = [of('next'), of('waiting'), of('skipped')];
  return [
    `${style.bold(visible(chain.tableName))} ${style.dim(`${visible(chain.tableArn)} (${visible(chain.tableId)})`)}`,
    ...(next.length === 0 ? ['  nothing to apply'] : folded(next.map((each) => linkText(each, style)))),
    ...(chain.gap === undefined
      ? []
      : [style.bad(`  ✕ ${chain.gap.from} … ${chain.gap.to}  gap: no export covers it`)]),
    ...folded(waiting.map((each) => `  ○ ${timesText(each)}  waits`)),
    ...folded(
      skipped.map((each) =>
        style.dim(`  - ${timesText(each)}  ${each.reason ?? 'skipped'}: ${visible(each.text ?? '')}`),
      ),
    ),
    ...(chain.close ?? [])
      .slice(0, SHOWN)
      .map((command, index) => `  ${index === 0 ? 'to close the gap: ' : ''}${visible(command)}`),
  ];
}

function linkText(link: ChainExport, style: Style): string {
  const gap =
    link.gapBefore === undefined
      ? ''
      : `${style.warn(`  ╎ ${link.gapBefore.from} … ${link.gapBefore.to}  gap, accepted`)}\n`;
  const within =
    link.withinMinute === true ? style.warn(' (within a minute of the full export: not proven to meet it)') : '';
  return `${gap}  ${link.kind === 'full' ? '●' : '│'} ${timesText(link)}${within}`;
}

function timesText({ kind, from, to, items, uri }: ChainExport): string {
  const times = kind === 'full' ? `${from}  full export` : `${from} … ${to}  window`;
  return `${times}  ${plural(items, 'item')}  ${visible(uri)}`;
}

/** Long lists without their middle. */
function folded(lines: readonly string[]): string[] {
  if (lines.length <= SHOWN * 2 + 1) return [...lines];
  const left = lines.length - SHOWN * 2;
  return [...lines.slice(0, SHOWN), `  … ${left} more …`, ...lines.slice(-SHOWN)];
}
