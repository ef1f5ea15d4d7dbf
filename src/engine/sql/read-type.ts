import type { Tag } from '../../model/schema.ts';
import type { ReadTag, ReadValue } from '../../schema/reading.ts';
import { ident } from './quote.ts';

/** Field of a struct that stands for maps which were always empty: an engine's struct has at least one field. */
const NO_FIELD = 'tailrace-no-field';

/** The engine's type of a value that is read so. */
export function readType(read: ReadValue): string {
  if (read.kind === 'raw') return 'JSON';
  return `STRUCT(${[...read.tags].map(([tag, inner]) => `${ident(tag)} ${tagType(tag, inner)}`).join(', ')})`;
}

/** The engine's type of what stands behind a tag. */
export function tagType(tag: Tag, read: ReadTag): string {
  switch (read.kind) {
    case 'raw':
    case 'text':
      return 'JSON';
    case 'list':
      return `${readType(read.element)}[]`;
    case 'map':
      return `MAP(VARCHAR, ${readType(read.value)})`;
    case 'struct': {
      const fields = [...read.fields].map(([name, value]) => `${ident(name)} ${readType(value)}`);
      return `STRUCT(${fields.join(', ') || `${ident(NO_FIELD)} VARCHAR`})`;
    }
    case 'scalar':
      return tag === 'BOOL' || tag === 'NULL' ? 'BOOLEAN' : tag.length === 2 ? 'VARCHAR[]' : 'VARCHAR';
  }
}
