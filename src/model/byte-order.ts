/** Orders texts by their UTF-8 bytes, whatever the locale: the order in which every store lists. */
export function compareBytes(a: string, b: string): number {
  // Texts with lone surrogates may share all their bytes, and still need an order.
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) || (a < b ? -1 : a > b ? 1 : 0);
}
