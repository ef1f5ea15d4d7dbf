import { expect, test } from 'vitest';
import { Batches } from '../../src/load/write/batches.ts';
import type { Put } from '../../src/load/write/put.ts';

const put = (id: string, number: number): Put => ({
  ...{ id, number, text: id, textBytes: id.length, units: 1, line: number },
  raw: Buffer.from(id),
});

test('of two items with one key the later one is sent when the earlier one has arrived, however slow that is', async () => {
  const arrived: string[] = [];
  const begun: string[] = [];
  let slow = (): void => undefined;
  const batches = new Batches(async (puts) => {
    const name = `${puts[0]?.id}…`;
    begun.push(name);
    if (begun.length === 1)
      await new Promise<void>((resolve) => {
        slow = resolve;
      });
    arrived.push(name);
  }, 0);
  for (let n = 1; n <= 25; n += 1) await batches.add(put(`a${n}`, n));
  for (let n = 26; n <= 50; n += 1) await batches.add(put(`b${n}`, n));
  const again = batches.add(put('a7', 51)).then(() => batches.end());
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([begun, batches.reached]).toEqual([['a1…', 'b26…'], 0]);
  slow();
  await again;
  expect(arrived).toEqual(['b26…', 'a1…', 'a7…']);
  expect(batches.reached).toBe(51);
});
