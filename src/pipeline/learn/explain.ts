import { tableRescues } from '../../engine/duckdb/rescues.ts';
import { pathText } from '../../model/attribute-path.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { SchemaReportColumn } from '../../model/report.ts';
import { type Field, physicalType, TAGS, type Tag } from '../../model/schema.ts';
import type { DataFile, LiveFile, TableState } from '../../model/table.ts';
import { typeText } from '../../model/type-text.ts';
import { openEngine } from '../ends/engine.ts';
import type { OpenTarget } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { fetchFiles } from '../files/fetched.ts';

/** Attributes whose rescues are told. */
const MAX_ATTRS = 2_000;

/**
 * A table's columns with what its files say of them: how many values each holds (from the statistics), and how many
 * values of the attribute were rescued, by type (from the files that hold a rescue).
 */
export async function explainTable(
  target: OpenTarget,
  state: TableState,
  options: SyncOptions,
  context: RunContext,
): Promise<SchemaReportColumn[]> {
  const files = await target.table.dataFiles();
  const rescued = await rescues(target, state, files, options, context);
  return state.schema.columns.flatMap((column) =>
    explain(column, [column.attr], files, rescued.get(column.attr) ?? new Map(), state.rows),
  );
}

async function rescues(
  target: OpenTarget,
  state: TableState,
  files: readonly LiveFile[],
  options: SyncOptions,
  context: RunContext,
): Promise<Map<string, Map<string, number>>> {
  const id = state.schema.system.find((column) => column.name === '_rescued')?.id ?? -1;
  const some = files.filter((file) => (file.stats[id]?.nullCount ?? 0) < (file.stats[id]?.valueCount ?? file.rows));
  const byAttr = new Map<string, Map<string, number>>();
  if (some.length === 0) return byAttr;
  const workspace = await openWorkspace(options.tempDir);
  const duck = await openEngine(workspace, options);
  try {
    const read = await fetchFiles(target.storage, some, workspace.dir, options.tempBudgetBytes, context.signal);
    for (const { attr, tag, count } of await tableRescues(duck, state.schema, read, MAX_ATTRS, context.signal)) {
      byAttr.set(attr, (byAttr.get(attr) ?? new Map<string, number>()).set(tag, count));
    }
    return byAttr;
  } finally {
    duck.close();
    await workspace.close();
  }
}

function explain(
  field: Field,
  path: readonly string[],
  files: readonly DataFile[],
  rescued: ReadonlyMap<string, number>,
  rows: number,
): SchemaReportColumn[] {
  const counts: Partial<Record<Tag, number>> = {};
  const held = physicalType(field.type) === undefined ? undefined : values(field.id, files);
  if (held !== undefined && isTag(field.tag)) counts[field.tag] = held;
  const others: string[] = [];
  for (const [tag, count] of rescued) {
    others.push(`${count} ${tag}`);
    if (isTag(tag)) counts[tag] = (counts[tag] ?? 0) + count;
  }
  const reason = [
    meaning(field),
    ...(held === undefined ? [] : [`${held} of ${rows} rows`]),
    ...(others.length === 0 ? [] : [`${others.join(', ')} in _rescued`]),
  ].join('; ');
  const self = {
    name: field.name,
    attribute: pathText(path),
    tag: field.tag,
    type: typeText(field.type),
    id: field.id,
    reason,
    counts,
  };
  if (field.type.kind !== 'struct') return [self];
  return [self, ...field.type.fields.flatMap((inner) => explain(inner, [...path, inner.attr], files, new Map(), rows))];
}

function values(id: number, files: readonly DataFile[]): number | undefined {
  let sum = 0;
  for (const file of files) {
    const stats = file.stats[id];
    if (stats === undefined) return undefined;
    sum += stats.valueCount - stats.nullCount;
  }
  return sum;
}

/** What a column type says of the values that led to it. */
function meaning({ type, tag }: Pick<Field, 'type' | 'tag'>): string {
  switch (type.kind) {
    case 'long':
      return 'whole numbers within 64 bits';
    case 'decimal':
      return `numbers with up to ${type.precision - type.scale} digits before the point and ${type.scale} behind it`;
    case 'number-text':
      return 'numbers wider than any decimal column, as exact text';
    case 'double':
      return 'numbers as double, as asked: not exact';
    case 'json':
      return 'content of several types, as JSON';
    case 'ddb-json':
      return 'whole values as DynamoDB JSON: no column type fits them';
    case 'timestamp':
      return `times written as ${type.format}`;
    case 'list':
      return tag === 'L' ? 'lists whose elements have one type' : 'sets';
    case 'map':
      return 'maps whose names are data';
    case 'struct':
      return `maps with ${type.fields.length} known names`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'binary':
      return 'binary values';
  }
}

function isTag(tag: string): tag is Tag {
  return (TAGS as readonly string[]).includes(tag);
}
