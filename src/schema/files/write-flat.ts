import type { OriginTag, TableSchema } from '../../model/schema.ts';

/**
 * The flat form `{"attribute": "S"}` as JSON, a line for each attribute. It has no names, precisions or nested
 * types; an attribute that holds several types, or a whole typed value, has the tag of its first column or `*`.
 */
export function writeFlat(schema: Pick<TableSchema, 'columns'>): string {
  const tags = new Map<string, OriginTag>();
  for (const { attr, tag } of schema.columns) if (!tags.has(attr)) tags.set(attr, tag);
  const lines = [...tags].map(([attr, tag]) => `  ${JSON.stringify(attr)}: "${tag}"`);
  return lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`;
}
