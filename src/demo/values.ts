/** A value in DynamoDB JSON, as the example shop's items are written. */
export type Value =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly Value[] }
  | { readonly M: ShopItem };

export interface ShopItem {
  readonly [attribute: string]: Value;
}

export const NULL: Value = { NULL: true };

/** Text. */
export function s(text: string): Value {
  return { S: text };
}

/** A number; text where JavaScript's numbers would lose digits. */
export function n(value: number | string): Value {
  return { N: String(value) };
}

/** Hundredths as a number with two decimals at most, without trailing zeros, as DynamoDB writes it. */
export function money(cents: number): Value {
  return n(cents / 100);
}

/** Binary, from text. */
export function b(text: string): Value {
  return { B: base64(text) };
}

/** The text of binary values in DynamoDB JSON. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
