import type { TableSchema } from '../../model/schema.ts';
import { ident } from './quote.ts';
import { attributesSql, renderItemSql } from './render.ts';

/**
 * A row of a table in history mode as the line of an incremental export that it came from, as an SQL expression: the
 * old image where the row has one, no new image for a delete. Rows of the full export have no change: they are printed
 * as its lines, `{"Item":{…}}`.
 */
export function renderChangeSql(schema: TableSchema): string {
  const keys = { ...schema, columns: schema.columns.filter(({ name }) => schema.keys.includes(name)), system: [] };
  const operation = ident('_operation');
  const time = `epoch_us(${ident('_written_at')})::VARCHAR`;
  const metadata = `coalesce('"Metadata":{"WriteTimestampMicros":{"N":"' || ${time} || '"}},', '')`;
  const oldImage = `coalesce(',"OldImage":' || ${ident('_old_image')}, '')`;
  const newImage = `CASE WHEN ${operation} = 'delete' THEN '' ELSE ',"NewImage":{' || ${attributesSql(schema, 'typed')} || '}' END`;
  const change = `'{' || ${metadata} || '"Keys":{' || ${attributesSql(keys, 'typed')} || '}' || ${oldImage} || ${newImage} || '}'`;
  return `CASE WHEN ${operation} = 'baseline' THEN ${renderItemSql(schema)} ELSE ${change} END`;
}
