import type { DerivedColumn, Field } from '../../model/schema.ts';
import type { AttrPlan } from '../../schema/projection.ts';
import { tagOfFormat } from '../../schema/times.ts';
import { leafGuarded } from './leaf.ts';
import { str } from './quote.ts';
import { all, fitsSql, member, textSql } from './values.ts';

/** True when the attribute's value is wholly in one of its columns, or, but for keys, absent. */
export function okSql(plan: AttrPlan, x: string, text: string | undefined, value: string): string {
  const fits = fitsAny(plan, x, text, value);
  return `coalesce(${plan.isKey ? all([`${x} IS NOT NULL`, fits]) : `(${text ?? x} IS NULL OR ${fits})`}, false)`;
}

/** True when the attribute value `x` is wholly in one of its columns; false, never NULL, where it is not or is absent. */
export function fitsAny(plan: AttrPlan, x: string, text: string | undefined, value: string): string {
  // A text is made only of what can be turned back, so it vouches for itself.
  if (isText(plan)) return `${value} IS NOT NULL`;
  const checks = plan.columns.map((column) => fitsSql(x, plan.read, column));
  const fits =
    checks.length === 0 ? 'false' : checks.length === 1 ? (checks[0] ?? 'false') : `(${checks.join(' OR ')})`;
  // Written out again, a value that was parsed whole is as long as its text, in whatever order its names come.
  return text === undefined
    ? fits
    : `CASE WHEN ${x} IS NOT NULL AND ${fits} THEN length(${textSql(x, plan.read)}) = length(${text}::VARCHAR) ELSE false END`;
}

/** A single column of plain JSON. */
export function isText(plan: AttrPlan): boolean {
  return plan.columns.length === 1 && plan.columns[0]?.type.kind === 'json';
}

/** A column that is made of another one's attribute: the time that its text says. `places`: where attributes are found. */
export function derivedSql(
  column: DerivedColumn,
  places: readonly { readonly plan: AttrPlan; readonly x: string }[],
): string {
  const place = places.find(({ plan }) => plan.columns.some((candidate: Field) => candidate.name === column.from));
  if (place === undefined) return 'NULL::TIMESTAMPTZ';
  const tag = tagOfFormat(column.format);
  const { read } = place.plan;
  if (read.kind === 'typed' && !read.tags.has(tag)) return 'NULL::TIMESTAMPTZ';
  const text = read.kind === 'raw' ? `json_extract_string(${place.x}, ${str(`/${tag}`)})` : member(place.x, tag);
  return leafGuarded(text, { kind: 'timestamp', format: column.format });
}
