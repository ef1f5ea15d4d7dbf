import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalItem, canonicalLine } from './canonical.ts';
import { itemArbitrary, nastyItems } from './nasty.ts';

describe('nasty items', () => {
  test('the same seed gives the same items, and no two keys are equal', () => {
    for (const keyType of ['S', 'N', 'B'] as const) {
      const items = nastyItems(7, 600, { keyType });
      expect(items.map(canonicalItem)).toEqual(nastyItems(7, 600, { keyType }).map(canonicalItem));
      expect(new Set(items.map((item) => JSON.stringify(item['pk']))).size).toBe(600);
    }
  });

  test('hold what they promise', () => {
    const items = nastyItems(1, 3000, { distinctNames: 20_000 });
    const names = new Set(items.flatMap((item) => Object.keys(item)));
    expect(names.size).toBeGreaterThan(20_000);
    for (const name of ['__proto__', 'Item', 'Price', 'PRICE', 'deep', 'huge']) expect(names).toContain(name);
    const tags = new Set(items.map((item) => Object.keys(item['anything'] ?? {})[0]));
    expect(tags.size).toBe(10);
    for (const item of items) expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThan(1_200_000);
  });

  test('arbitrary items survive JSON', () => {
    fc.assert(
      fc.property(itemArbitrary, (item) => canonicalLine(`{"Item":${JSON.stringify(item)}}`) === canonicalItem(item)),
    );
  });
});
