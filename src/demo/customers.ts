import { Random } from './random.ts';
import { b, base64, money, NULL, n, type ShopItem, s, type Value } from './values.ts';

export const CUSTOMER_COUNT = 1200;

const PLACES = [
  ['DE', 'Berlin'],
  ['DE', 'München'],
  ['DE', 'Hamburg'],
  ['FR', 'Lyon'],
  ['FR', 'Nantes'],
  ['NL', 'Utrecht'],
  ['PL', 'Kraków'],
  ['BR', 'São Paulo'],
  ['JP', '大阪'],
  ['US', 'Portland'],
  ['US', 'Austin'],
  ['CH', 'Zürich'],
] as const;
const FIRST_NAMES = [
  'Ada',
  'Björn',
  'Chloé',
  'Dmitri',
  'Elif',
  'Fatima',
  'Grace',
  'Hiroshi',
  'Inés',
  'João',
  'Łucja',
] as const;
const LAST_NAMES = [
  'Abe',
  'Çelik',
  'Dupont',
  "O'Brien",
  'Großmann',
  'Nowak',
  'Silva',
  'van der Berg',
  'Weber',
  'Zhang',
] as const;
const INTERESTS = ['bread', 'cheese', 'coffee', 'garden', 'tea', 'tools', 'wine'] as const;
const DAY_MS = 86_400_000;

/** The key of the customer whose item `cat` shows. */
export const NASTY_CUSTOMER = 'C00666';

/** The id of a customer, 1-based. */
export function customerId(number: number): string {
  return `C${String(number).padStart(5, '0')}`;
}

/** All customers of the example shop. */
export function* customers(random: Random): Generator<ShopItem> {
  for (let number = 1; number <= CUSTOMER_COUNT; number += 1) {
    const item = customer(random, number);
    yield customerId(number) === NASTY_CUSTOMER ? { ...item, ...NASTY } : item;
  }
}

/** The one seed of the customers: their items are the same wherever they are made. */
export function customersRandom(): Random {
  return new Random(11);
}

function customer(random: Random, number: number): ShopItem {
  const [country, city] = random.pick(PLACES);
  const first = random.pick(FIRST_NAMES);
  const last = random.pick(LAST_NAMES);
  const signedUp = new Date(Date.UTC(2023, 0, 1) + random.below(700) * DAY_MS + random.below(DAY_MS));
  const optional: Record<string, Value> = {};
  if (random.chance(2)) optional.interests = { SS: distinct(random, INTERESTS) };
  if (random.chance(3)) optional.ratings = { NS: distinct(random, ['1', '2', '3', '3.5', '4', '4.5', '5']) };
  if (random.chance(6)) optional.device_keys = { BS: [base64(`device-${number}-1`), base64(`device-${number}-2`)] };
  if (random.chance(4)) optional.avatar = b(`GIF89a of customer ${number}`);
  if (random.chance(5))
    optional.vat_id = random.chance(4) ? n(random.below(1_000_000)) : s(`${country}${random.below(1_000_000)}`);
  if (random.chance(3)) optional.phone = random.chance(3) ? NULL : s(`+49 30 ${random.below(9_000_000)}`);
  return {
    customer_id: s(customerId(number)),
    name: s(`${first} ${last}`),
    email: s(`${`${first}.${last}`.toLowerCase().replaceAll(/[^a-z.]/g, '')}${number}@example.com`),
    country: s(country),
    signed_up: s(signedUp.toISOString()),
    newsletter: { BOOL: !random.chance(3) },
    loyalty_points: n(random.below(5_000)),
    credit_limit: money(random.below(40) * 2_550),
    address: {
      M: {
        street: s(`${random.pick(['Linden', 'Park', 'Harbour', 'Station'])} Street ${1 + random.below(120)}`),
        city: s(city),
        geo: { M: { lat: money(random.below(12_000) - 4_000), lon: money(random.below(30_000) - 15_000) } },
      },
    },
    ...optional,
  };
}

/** What usually breaks a loader, all in one item. */
const NASTY: ShopItem = {
  name: s(''),
  // 38 significant digits: a 64-bit float keeps sixteen.
  exact_balance: n('12345678901234567890.123456789012345678'),
  // A number where everybody else has text, and text where they have a number.
  vat_id: n(123456789),
  loyalty_points: s('about 40'),
  // Present and NULL is not the same as absent; nor is an empty map.
  phone: NULL,
  preferences: { M: {} },
  // A name with a dot, and names that differ only in case.
  'legal.entity': s('Nasty & Söhne GmbH'),
  Nickname: s('Nasty'),
  nickname: s('nasty'),
  avatar: { B: Buffer.from([0, 1, 254, 255]).toString('base64') },
  history: { L: [n(1), s('two'), { BOOL: true }, NULL, { M: { deep: { L: [{ SS: ['a', 'b'] }] } } }] },
};

/** Some of the values, at least one, each once. */
function distinct(random: Random, values: readonly string[]): readonly string[] {
  const first = random.below(values.length);
  return values.slice(first, first + 1 + random.below(3));
}
