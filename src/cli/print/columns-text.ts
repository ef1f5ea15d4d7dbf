import { isNested } from '../../model/attribute-path.ts';
import type { ReportColumn } from '../../model/report.ts';
import { formatCount, plural } from './units.ts';

/** `9 columns (7 of attributes, 2 added)`: those of the table; the fields within them are not counted. */
export function columnsText(columns: readonly Pick<ReportColumn, 'attribute'>[]): string {
  const own = columns.filter(({ attribute }) => attribute !== undefined && !isNested(attribute)).length;
  const added = columns.filter(({ attribute }) => attribute === undefined).length;
  return `${plural(own + added, 'column')} (${formatCount(own)} of attributes, ${formatCount(added)} added)`;
}
