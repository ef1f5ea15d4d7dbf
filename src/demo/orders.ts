import { CUSTOMER_COUNT, customerId } from './customers.ts';
import type { Random } from './random.ts';
import { money, NULL, n, type ShopItem, s, type Value } from './values.ts';

export const ORDER_COUNT = 6000;

const PRODUCTS = [
  ['bread-rye', 'Rye bread', 420],
  ['cheese-comte', 'Comté, 24 months', 1_895],
  ['coffee-1kg', 'Coffee, 1 kg', 2_490],
  ['garden-shears', 'Garden "shears"', 3_450],
  ['tea-sencha', 'Sencha 煎茶', 1_150],
  ['wine-riesling', 'Riesling', 990],
] as const;
const STATUS = ['delivered', 'delivered', 'delivered', 'shipped', 'paid', 'cancelled', 'returned'] as const;
const COUPONS = ['SPRING10', 'WELCOME', 'FRIENDS'] as const;
const YEAR_MS = 365 * 86_400_000;

/** All orders of the example shop; each holds its lines. */
export function* orders(random: Random): Generator<ShopItem> {
  for (let number = 1; number <= ORDER_COUNT; number += 1) yield order(random, number);
}

function order(random: Random, number: number): ShopItem {
  const placed = new Date(Date.UTC(2025, 0, 1) + random.below(YEAR_MS));
  const lines: Value[] = [];
  let cents = 0;
  for (let i = 1 + random.below(4); i > 0; i -= 1) {
    const [sku, title, price] = random.pick(PRODUCTS);
    const quantity = 1 + random.below(4);
    cents += price * quantity;
    const line = { sku: s(sku), title: s(title), qty: n(quantity), price: money(price) };
    lines.push({ M: random.chance(9) ? { ...line, gift: { BOOL: true } } : line });
  }
  const optional: Record<string, Value> = {};
  // A coupon is text, until somebody stored a number.
  if (random.chance(5)) optional.coupon = random.chance(40) ? n(10) : s(random.pick(COUPONS));
  if (random.chance(8)) optional.note = random.chance(4) ? NULL : s('Please ring twice.\nThe bell is "quiet".');
  return {
    customer_id: s(customerId(1 + random.below(CUSTOMER_COUNT))),
    order_id: s(`O-2025-${String(number).padStart(6, '0')}`),
    placed_at: s(placed.toISOString()),
    placed_epoch_ms: n(placed.getTime()),
    status: s(random.pick(STATUS)),
    paid: { BOOL: !random.chance(7) },
    total: money(cents),
    lines: { L: lines },
    ...optional,
  };
}
