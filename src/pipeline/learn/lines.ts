import type { Lines } from '../../model/item.ts';
import type { SchemaOptions } from '../../model/options.ts';
import type { TableSchema } from '../../model/schema.ts';
import type { Export } from '../../source/port.ts';

/** What the lines of an export are for a table: old images matter only where it keeps them. */
export function linesOf(from: Export, options: SchemaOptions, recorded: TableSchema | undefined): Lines {
  const oldImages =
    recorded === undefined
      ? options.mode === 'history'
      : recorded.system.some((column) => column.name === '_old_image');
  return {
    shape: from.kind === 'full' ? 'item' : 'change',
    source: from.exportArn,
    oldImages,
    bothImages: from.kind === 'full' || from.view === 'NEW_AND_OLD_IMAGES',
  };
}
