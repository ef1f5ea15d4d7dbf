/** What a change of columns does to each file, and to the values that it holds. */
import { type Misfit, surveyRows } from '../../engine/duckdb/merge/survey.ts';
import { isCertain, staysReadable } from '../../engine/sql/evolve.ts';
import { type ColumnType, type Field, physicalType, type Slot } from '../../model/schema.ts';
import type { LiveFile, TableState } from '../../model/table.ts';
import type { AttrChange } from '../../schema/evolve/evolution.ts';
import { type EvolveParts, readIn } from './files.ts';
import { mayRescue, rescuedId } from './values.ts';

export interface Surveyed {
  readonly files: ReadonlyMap<string, { readonly moved: number; readonly misfits: number; readonly held: number }>;
  /** Values that leave `_rescued`, go there, and stay there. */
  readonly values: { readonly moved: number; readonly rescued: number; readonly left: number };
  readonly misfits: readonly Misfit[];
  /** Attributes of which a value stands in `_rescued`. */
  readonly rescued: ReadonlySet<string>;
}

/** Looks at the rows of all files that may hold a value which moves or does not fit; of others statistics tell enough. */
export async function surveyFiles(
  parts: EvolveParts,
  base: TableState,
  live: readonly LiveFile[],
  changes: readonly AttrChange[],
): Promise<Surveyed> {
  const { schema } = base;
  const certain = changes.every(isCertain);
  const gone = changes.flatMap((change) => change.before.filter((column) => !stays(column, change.after)));
  const unsure = (file: LiveFile): boolean => gone.some((column) => mayHold(file, column) === undefined);
  const looked = live.filter((file) => !certain || mayRescue(file, schema) || unsure(file));
  const files = new Map<string, { moved: number; misfits: number; held: number }>();
  for (const file of live)
    files.set(file.path, { moved: 0, misfits: 0, held: gone.some((each) => mayHold(file, each) === true) ? 1 : 0 });
  const misfits = new Map<string, Misfit>();
  const values = { moved: 0, rescued: 0, left: 0 };
  const rescued = new Set<string>();
  const before = changes.flatMap((change) => change.before);
  const flat = before.every(({ type }) => physicalType(type) !== undefined);
  const keys = schema.columns.filter(({ name }) => schema.keys.includes(name));
  const ids = [...before, ...keys].map(({ id }) => id).concat(rescuedId(schema));
  for await (const read of readIn(parts, base, looked, flat ? ids : undefined)) {
    const survey = await surveyRows(parts.duck, schema, read, changes, parts.context.signal);
    for (const { uri, moved, misfits: unfit, left, held } of survey.files) {
      files.set(uri, { moved, misfits: unfit, held });
      values.moved += moved;
      values.rescued += unfit;
      values.left += left;
    }
    for (const attr of survey.rescued) rescued.add(attr);
    for (const each of survey.misfits) {
      const known = misfits.get(each.attr);
      misfits.set(each.attr, known === undefined ? each : { ...known, count: known.count + each.count });
    }
  }
  return { files, values, misfits: [...misfits.values()], rescued };
}

function stays(column: Field, after: readonly Field[]): boolean {
  const now = after.find(({ id }) => id === column.id);
  return now !== undefined && staysReadable(column.type, now.type);
}

/** Whether a file holds a value of a column, by its statistics; undefined where they do not tell: other writers leave out
 * those of some columns, and a file that is older than the column has none, either. */
function mayHold({ stats }: LiveFile, column: Field): boolean | undefined {
  const found = leaves(column).map((id) => stats[id]);
  if (found.some((leaf) => leaf !== undefined && leaf.valueCount > leaf.nullCount)) return true;
  return found.includes(undefined) ? undefined : false;
}

function leaves({ id, type }: Field | Slot): number[] {
  return physicalType(type) === undefined ? within(type) : [id];
}

function within(type: ColumnType): number[] {
  if (type.kind === 'list') return leaves(type.element);
  if (type.kind === 'map') return [type.keyId, ...leaves(type.value)];
  return type.kind === 'struct' ? type.fields.flatMap(leaves) : [];
}
