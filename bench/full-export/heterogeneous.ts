import type { Random } from '../../src/demo/random.ts';
import type { Dialect } from './dialect.ts';
import type { Truth } from './orders.ts';

const NAMES = 500;
/** Attributes from this one on stand in about one item of a hundred thousand. */
const RARE_FROM = 460;

/**
 * Writes one item of a table that has grown for years: 500 attribute names, popular and rare ones,
 * most with one type, every twentieth with several.
 */
export function heterogeneousLine(random: Random, d: Dialect, seed: number, index: number, truth: Truth): string {
  const fields = [
    d.field('pk', d.string(`ITEM#${seed}-${String(index).padStart(7, '0')}`)),
    d.field('sk', d.string(`v${random.below(9)}`)),
  ];
  const used = new Set<number>();
  for (let i = 12 + random.below(12); i > 0; i -= 1) {
    const name = attributeNumber(random);
    if (used.has(name)) continue;
    used.add(name);
    fields.push(d.field(`attr_${String(name).padStart(3, '0')}`, value(random, d, name)));
  }
  truth.items += 1;
  return d.line(fields);
}

/** Low numbers are common, high ones seldom. */
function attributeNumber(random: Random): number {
  if (random.chance(2000)) return RARE_FROM + random.below(NAMES - RARE_FROM);
  const skewed = (random.below(RARE_FROM) * random.below(RARE_FROM)) / RARE_FROM;
  return Math.floor(skewed);
}

function value(random: Random, d: Dialect, name: number): string {
  const kind = name % 20 === 7 && random.chance(6) ? random.below(8) : name % 8;
  switch (kind) {
    case 0:
      return d.string(`value ${random.below(1_000_000)} of ${name}`);
    case 1:
      return d.number(String(random.below(1_000_000)));
    case 2:
      return d.number(String(random.below(10_000_000) / 100));
    case 3:
      return d.boolean(random.chance(2));
    case 4:
      return d.string(new Date(1_700_000_000_000 + random.below(60_000_000) * 1000).toISOString());
    case 5:
      return d.stringSet([`a${random.below(50)}`, `b${random.below(50)}`]);
    case 6:
      return d.list([d.string(`x${random.below(1000)}`), d.string(`y${random.below(1000)}`)]);
    default:
      return d.map([
        d.field('code', d.string(`c${random.below(5000)}`)),
        d.field('count', d.number(String(random.below(500)))),
      ]);
  }
}
