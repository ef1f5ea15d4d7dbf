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
