import type { Random } from '../../src/demo/random.ts';
import type { Dialect } from './dialect.ts';

/** What the generator knows of its items, so that a contender's table can be checked. */
export interface Truth {
  items: number;
  /** Sum of `total`, in hundredths. */
  totalCents: number;
  /** Order lines in all. */
  lines: number;
  /** Sum of `qty` over all lines. */
  quantity: number;
  /** Items with a `note`. */
  notes: number;
}

const STATUS = ['placed', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'] as const;
const REGIONS = ['eu-central-1', 'eu-west-1', 'us-east-1', 'us-west-2', 'ap-northeast-1', 'sa-east-1'] as const;
const CITIES = [
  'Berlin',
  'München',
  'São Paulo',
  'New York',
  'Kraków',
  '東京',
  'Lyon',
  'Oslo',
  'Gent',
  'Bern',
] as const;
const STREETS = ['Main Street', 'Lindenallee', 'Rue de la Gare', 'Calle Mayor', 'Harbour Road', 'Am Mühlbach'] as const;
const TAGS = ['gift', 'express', 'b2b', 'fragile', 'first-order', 'newsletter', 'campaign-42', 'loyalty'] as const;
const WORDS =
  'please leave parcel at the back door ring twice "thanks" neighbour knows über schön fragile call before noon'.split(
    ' ',
  );

/** Writes one order as a line; attribute order differs from item to item, as in real exports. */
export function orderLine(random: Random, dialect: Dialect, seed: number, index: number, truth: Truth): string {
  const d = dialect;
  const created = 1_700_000_000_000 + random.below(60_000_000) * 1000 + random.below(1000);
  const createdAt = new Date(created).toISOString();
  const count = 1 + random.below(3);
  const lines: string[] = [];
  let cents = 0;
  for (let i = 0; i < count; i += 1) {
    const priceCents = 50 + random.below(random.chance(20) ? 500_000 : 9_950);
    const quantity = 1 + random.below(5);
    cents += priceCents * quantity;
    truth.quantity += quantity;
    lines.push(orderLineMap(random, d, priceCents, quantity));
  }
  const fields = [
    d.field('order_id', d.number(String((seed * 1_000_000 + index) * 1009 + 4_000_000_000))),
    d.field('status', d.string(random.pick(STATUS))),
    d.field('region', d.string(random.pick(REGIONS))),
    d.field('total', d.number(money(cents))),
    d.field('weight_g', d.number(String(50 + random.below(30_000)))),
    d.field('paid', d.boolean(!random.chance(8))),
    d.field('created_at', d.string(createdAt)),
    d.field('updated_at', d.string(new Date(created + random.below(864_000_000)).toISOString())),
    d.field('address', address(random, d)),
    d.field('lines', d.list(lines)),
    d.field('trace', d.string(`t${hex(random)}${hex(random)}`)),
  ];
  if (!random.chance(3)) fields.push(d.field('tags', d.stringSet(tags(random))));
  if (!random.chance(4)) {
    fields.push(d.field('note', d.string(note(random))));
    truth.notes += 1;
  }
  const turn = random.below(fields.length);
  const turned = [...fields.slice(turn), ...fields.slice(0, turn)];
  turned.push(
    d.field('pk', d.string(`CUSTOMER#${seed}-${String(random.below(120_000)).padStart(6, '0')}`)),
    d.field('sk', d.string(`ORDER#${createdAt.slice(0, 10)}#${String(index).padStart(7, '0')}`)),
  );
  truth.items += 1;
  truth.totalCents += cents;
  truth.lines += count;
  return d.line(turned);
}

function orderLineMap(random: Random, d: Dialect, priceCents: number, quantity: number): string {
  return d.map([
    d.field('sku', d.string(`SKU-${String(random.below(40_000)).padStart(5, '0')}`)),
    d.field('qty', d.number(String(quantity))),
    d.field('price', d.number(money(priceCents))),
  ]);
}

function address(random: Random, d: Dialect): string {
  const geo = d.map([
    d.field('lat', d.number(String((random.below(18_000) - 9_000) / 100))),
    d.field('lon', d.number(String((random.below(36_000) - 18_000) / 100))),
  ]);
  return d.map([
    d.field('street', d.string(`${random.pick(STREETS)} ${1 + random.below(200)}`)),
    d.field('city', d.string(random.pick(CITIES))),
    d.field('zip', d.string(String(10_000 + random.below(90_000)))),
    d.field('geo', geo),
  ]);
}

/** Two decimals at most, without trailing zeros: DynamoDB normalises numbers so. */
function money(cents: number): string {
  return String(cents / 100);
}

function hex(random: Random): string {
  return random.next().toString(16).padStart(8, '0');
}

function tags(random: Random): readonly string[] {
  const first = random.below(TAGS.length);
  return TAGS.slice(first, first + 1 + random.below(3));
}

function note(random: Random): string {
  const words: string[] = [];
  for (let i = 3 + random.below(8); i > 0; i -= 1) words.push(random.pick(WORDS));
  return words.join(' ');
}
