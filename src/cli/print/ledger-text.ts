import type { TableInspection } from '../../model/report.ts';
import type { LedgerEntry } from '../../model/table.ts';
import { labelled } from './labelled.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { formatCount, plural } from './units.ts';

/** What a table holds, as a line of time: its baseline, ranges of windows, and gaps; then its newest loads. */
export function ledgerText({ ledger }: TableInspection, style: Style): string[] {
  if (ledger === undefined) return [labelled('ledger', 'none: tailrace did not write this table')];
  const mode = { mirror: 'the present state', soft: 'the present state, deleted items marked', history: 'each change' };
  return [
    labelled('ledger', `${visible(ledger.tableArn)} (${ledger.tableId}), all changes before ${ledger.watermark}`),
    labelled('mode', `${ledger.mode}: ${mode[ledger.mode]}`),
    ...(ledger.stale === 0 ? [] : [labelled('stale', style.warn(staleText(ledger)))]),
    ...timeLine(ledger, style).map((line) => labelled('', line)),
    ...ledger.entries.map((entry, index) => labelled(index === 0 ? 'loads' : '', entryText(entry))),
  ];
}

function staleText({ stale, mode }: NonNullable<TableInspection['ledger']>): string {
  const rejected = `${plural(stale, 'change')} of windows could not be loaded`;
  if (mode === 'history') return `${rejected}, and ${stale === 1 ? 'is' : 'are'} not in the table`;
  return `at most ${plural(stale, 'row')}: ${rejected}, and what they were to replace or add is as it was`;
}

/** Nothing while a table holds only one full export: its one line says it all. */
function timeLine(ledger: NonNullable<TableInspection['ledger']>, style: Style): string[] {
  const covered = ledger.covered ?? [];
  if (covered.length === 0) return [];
  const full = ledger.entries.find((entry) => entry.kind === 'full-export');
  const spans = [
    ...covered.map((range) => ({ ...range, gap: false })),
    ...(ledger.gaps ?? []).map((range) => ({ ...range, windows: 0, gap: true })),
  ].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  return [
    full === undefined ? '○ no full export' : `● full export, ${full.exportTime}`,
    ...spans.map(({ from, to, windows, gap }) =>
      gap ? style.warn(`╎ ${from} … ${to}  gap, accepted`) : `│ ${from} … ${to}  ${plural(windows, 'window')}`,
    ),
    `▼ ${ledger.watermark}`,
  ];
}

function entryText(entry: LedgerEntry): string {
  const rejected = entry.rejected === 0 ? '' : `, ${formatCount(entry.rejected)} rejected`;
  const trusted = entry.trustedManifest === true ? ', its manifest trusted against its checksum' : '';
  const within = entry.kind === 'window' && entry.withinMinute === true ? ', not proven to meet the full export' : '';
  const part = entry.kind === 'scan' && entry.rest !== undefined ? ', not complete' : '';
  const time = entry.kind === 'full-export' ? entry.exportTime : `${entry.from} … ${entry.to}`;
  return `${time}  ${entry.kind}  ${plural(entry.items, 'item')}${part}${rejected}${trusted}${within}  ${visible(entry.exportArn)}`;
}
