import type { TableSchema } from '../../../model/schema.ts';
import type { AttrChange } from '../../../schema/evolve/evolution.ts';
import { evolveSql } from '../../sql/evolve.ts';
import { ident } from '../../sql/quote.ts';
import { prepareRender } from '../cat.ts';
import { type CopyJob, copyRows, type StagedFile } from '../copy.ts';
import type { Duck } from '../instance.ts';
import { type ReadFile, readColumn, tableColumns } from '../read.ts';
import { columnOf } from './changes.ts';
import { liveRelation } from './survey.ts';

/** Files to be laid out anew; `schema` is the new one. */
export interface EvolveJob extends CopyJob {
  /** Whole data files, with their position deletes. */
  readonly files: readonly ReadFile[];
  readonly from: TableSchema;
  readonly changes: readonly AttrChange[];
}

/** Writes the live rows of data files by another schema: attributes that change as they are laid out there, all else as it is. */
export async function rewriteEvolved(duck: Duck, job: EvolveJob): Promise<StagedFile[]> {
  const { files, from, schema, changes } = job;
  if (files.length === 0) return [];
  await prepareRender(duck);
  const rows = evolveSql(changes, ({ name }) => columnOf(from, name), columnOf(from, '_rescued'));
  const rescuedId = schema.system.find(({ name }) => name === '_rescued')?.id;
  const places = new Map(tableColumns(from).map(({ id }, i) => [id, readColumn(i)]));
  const columns = tableColumns(schema).map(({ id, name, type }) => {
    const sql = id === rescuedId ? rows.rescued : (rows.columns.get(id) ?? places.get(id) ?? 'NULL');
    return `CAST(${sql} AS ${type}) AS ${ident(name)}`;
  });
  return copyRows(duck, `SELECT ${columns.join(', ')} FROM ${rows.select(liveRelation(from, files))}`, job);
}
