import { Random } from '../../src/demo/random.ts';
import { dynamoDbJson } from '../full-export/dialect.ts';
import { orderLine } from '../full-export/orders.ts';

const FIRST_ITEM = '{"Item":{';
const PLACES = ['the porch', 'the shed behind the house', 'the neighbour at number', 'the box beside the gate', 'desk'];

/** The orders of the table, as lines `{"Item":{…}}`; always the same, some 830 bytes each. */
export function ordersOf(count: number): string[] {
  const random = new Random(7);
  const truth = { items: 0, totalCents: 0, lines: 0, quantity: 0, notes: 0 };
  return Array.from({ length: count }, (_, index) => {
    const line = orderLine(random, dynamoDbJson, 7, index, truth);
    const parcel = `P-${random.below(1e9)}-${random.below(1e9)}`;
    const left = `left at ${random.pick(PLACES)} ${random.below(200)}, photo taken, signed ${random.below(24)}:${random.below(60)}`;
    return `${FIRST_ITEM}"delivered":{"S":"${parcel}: ${left}"},${line.slice(FIRST_ITEM.length)}`;
  });
}
