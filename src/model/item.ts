import type { Tag } from './schema.ts';

/** One DynamoDB attribute value, parsed strictly. Numbers and base64 stay text; maps keep any name safely. */
export type AttributeValue =
  | { readonly tag: 'S' | 'N' | 'B'; readonly value: string }
  | { readonly tag: 'BOOL'; readonly value: boolean }
  | { readonly tag: 'NULL'; readonly value: true }
  | { readonly tag: 'SS' | 'NS' | 'BS'; readonly value: readonly string[] }
  | { readonly tag: 'L'; readonly value: readonly AttributeValue[] }
  | { readonly tag: 'M'; readonly value: ReadonlyMap<string, AttributeValue> };

/** An item: attribute names to values. */
export type Item = ReadonlyMap<string, AttributeValue>;

/** What DynamoDB calls a table's key: attribute names with their types, partition key first. */
export interface KeyAttribute {
  readonly attr: string;
  /** Undefined when the user named the key and only the data can tell. */
  readonly tag?: Extract<Tag, 'S' | 'N' | 'B'>;
}

/** What a line is: an item (full export), or one change of an item (incremental export). */
export type LineShape = 'item' | 'change';

/** The lines of one source, and what becomes of them. */
export interface Lines {
  readonly shape: LineShape;
  /** ARN of the export; history tables keep it. */
  readonly source: string;
  /** The table keeps old images, so they must be sound; else nobody looks into them. */
  readonly oldImages: boolean;
  /** Changes carry old images: without them, an insert cannot be told from an update. */
  readonly bothImages: boolean;
}

/** Items of whoever; what a reader takes lines for, unless it is told. */
export const ITEM_LINES: Lines = { shape: 'item', source: '', oldImages: false, bothImages: true };

/** The parts of a change's line. */
export interface Change {
  /** Time of the write in microseconds since 1970, as a whole number. */
  readonly micros: string;
  readonly keys: Item;
  /** Undefined where the line has none, or where nobody wants it. */
  readonly oldImage: Item | undefined;
  /** Undefined: the item is gone. */
  readonly newImage: Item | undefined;
}
