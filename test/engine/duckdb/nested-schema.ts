import type { ColumnType, Field, OriginTag, TableSchema } from '../../../src/model/schema.ts';

/** Hands out ids in the order of the calls, as the schema's naming does. */
export function schemaBuilder() {
  let last = 0;
  const next = (): number => ++last;
  const field = (attr: string, tag: OriginTag, type: ColumnType, name = attr): Field => ({
    id: next(),
    name,
    attr,
    tag,
    type,
  });
  const list = (tag: OriginTag, type: ColumnType): ColumnType => ({ kind: 'list', element: { id: next(), tag, type } });
  const map = (tag: OriginTag, type: ColumnType): ColumnType => ({
    kind: 'map',
    keyId: next(),
    value: { id: next(), tag, type },
  });
  const struct = (...fields: readonly Field[]): ColumnType => ({ kind: 'struct', fields });
  const table = (columns: readonly Field[], parts: Partial<TableSchema> = {}): TableSchema => ({
    columns,
    derived: parts.derived ?? [],
    keys: parts.keys ?? [],
    system: parts.system ?? [
      { id: next(), name: '_rescued' },
      { id: next(), name: '_written_at' },
    ],
    lastFieldId: last,
  });
  return { next, field, list, map, struct, table };
}
