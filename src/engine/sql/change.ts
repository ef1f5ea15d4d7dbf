import type { Projection } from '../../schema/projection.ts';
import { filterSql } from './filter.ts';
import { matches } from './leaf.ts';
import { pointer } from './place.ts';
import { str } from './quote.ts';
import { all, member } from './values.ts';

/** Column that tells rows of deleted items from others, on its way to the writer. */
export const GONE = '_tailrace_gone';
/** What `_rescued` holds in such a row where the item is there and a filter leaves it out: of a delete it is NULL. */
export const LEFT_OUT = '{}';

/** Whole microseconds, clear of 64-bit overflow; negative times are none of DynamoDB's. */
const MICROS = '(0|[1-9][0-9]{0,16})';

/** What a change says beside its item: expressions over the columns of its line. */
export interface ChangeSql {
  /** Time of the write; NULL where it is no time. */
  readonly writtenAt: string;
  /** True where the line is sound but for its new image. */
  readonly sound: string;
  readonly gone: string;
  /** The item is there, but the filter leaves it out. Absent: there is no filter. */
  readonly left?: string;
  readonly operation: string;
  /** The former item as text, without excluded attributes. */
  readonly oldImage: string;
}

/** The expressions of a projection of changes. A new image must have the key of its line; nothing else may be in Keys. */
export function changeSql({ lines, keyAttrs, reading, excluded, filter }: Projection): ChangeSql {
  const micros = `coalesce(json_extract_string(Metadata, '/WriteTimestampMicros/N'), json_extract_string(Metadata, '/WriteTimestampMicros'))`;
  const open = reading.kind === 'open';
  const at = (column: string, attr: string): string =>
    open ? `json_extract(${column}, ${str(pointer(attr))})` : member(column, attr);
  const keys = keyAttrs.map((attr) => `${at('NewImage', attr)} IS NOT DISTINCT FROM ${at('Keys', attr)}`);
  const old = [`json_type(OldImage) = 'OBJECT'`, 'len(json_keys(OldImage)) = len(list_distinct(json_keys(OldImage)))'];
  const sound = [
    `coalesce(${matches(micros, MICROS)}, false)`,
    `Keys IS NOT NULL`,
    `(NewImage IS NULL OR ${all(keys)})`,
    ...(open ? [`len(json_keys(Keys)) = ${keyAttrs.length}`] : []),
    ...(lines.oldImages ? [`(OldImage IS NULL OR ${all(old)})`] : []),
  ];
  const met = filter && filterSql(filter, { reading, column: 'NewImage', file: 'filename' });
  const left = met && `(NewImage IS NOT NULL AND (${met}) IS NOT TRUE)`;
  const dropped = [...excluded].map((name) => `${JSON.stringify(name)}:null`).join();
  return {
    writtenAt: `CASE WHEN ${matches(micros, MICROS)} THEN make_timestamp(try_cast(${micros} AS BIGINT))::TIMESTAMPTZ END`,
    sound: all(sound),
    gone: left === undefined ? 'NewImage IS NULL' : `(NewImage IS NULL OR ${left})`,
    ...(left === undefined ? {} : { left }),
    operation: `CASE WHEN NewImage IS NULL THEN 'delete' WHEN OldImage IS NOT NULL THEN 'update' ELSE '${lines.bothImages ? 'insert' : 'put'}' END`,
    // A patch of nothing would be the patch.
    oldImage:
      dropped === ''
        ? 'OldImage::VARCHAR'
        : `CASE WHEN OldImage IS NOT NULL THEN json_merge_patch(OldImage, ${str(`{${dropped}}`)})::VARCHAR END`,
  };
}

/** System columns but for `_rescued`. Items of a full export have no time of their own. */
export function systemValues({ lines }: Projection, change: ChangeSql | undefined): [name: string, sql: string][] {
  return [
    ['_written_at', change === undefined ? 'NULL::TIMESTAMPTZ' : 'change_at'],
    ['_deleted', 'NULL::BOOLEAN'],
    ['_operation', change?.operation ?? str('baseline')],
    ['_old_image', change?.oldImage ?? 'NULL::VARCHAR'],
    ['_source', str(lines.source)],
  ];
}
