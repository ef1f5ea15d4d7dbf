import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPage } from '../../../src/source/scan/page.ts';
import { Circle, decodePlaces, encodePlaces, SegmentQueue, segmentsFor } from '../../../src/source/scan/places.ts';

const textsOf = ({ body, bounds }: ReturnType<typeof readPage>): string[] =>
  Array.from({ length: bounds.length / 2 }, (_, i) => body.toString('utf8', bounds[2 * i], bounds[2 * i + 1]));

const page = (...parts: string[]): ReturnType<typeof readPage> => readPage(Buffer.from(parts.join('')));

const strings = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"}},{"', '\\', '\\"', '"Items":[', '}]', '\n', '\u2028', '', '{"S":"'),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    strings.map((text) => ({ S: text })),
    fc.integer().map((n) => ({ N: String(n) })),
    fc.array(tie('value'), { maxLength: 4 }).map((list) => ({ L: list })),
    fc.dictionary(strings, tie('value'), { maxKeys: 4 }).map((map) => ({ M: map })),
  ),
})).value;
const items = fc.array(fc.dictionary(strings, values, { maxKeys: 5 }), { maxLength: 6 });

describe('a page', () => {
  test('is cut where JSON says that its items begin and end, whatever they hold', () => {
    fc.assert(
      fc.property(
        items,
        fc.option(fc.dictionary(strings, values, { minKeys: 1 }), { nil: undefined }),
        fc.boolean(),
        (all, next, pretty) => {
          const reply = {
            ConsumedCapacity: { CapacityUnits: 12.5, TableName: 'orders' },
            Count: all.length,
            Items: all,
            ...(next === undefined ? {} : { LastEvaluatedKey: next }),
            ScannedCount: all.length + 3,
          };
          const found = readPage(Buffer.from(JSON.stringify(reply, undefined, pretty ? 2 : undefined)));
          const texts = textsOf(found);
          expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(all);
          expect(texts.some((text) => text.includes('\n'))).toBe(false);
          expect(found).toMatchObject({ items: all.length, scanned: all.length + 3, units: 12.5 });
          expect(found.next === undefined ? undefined : JSON.parse(found.next)).toEqual(next);
        },
      ),
    );
  });

  test('may have its members in any order, and others beside them', () => {
    const found = page(
      '{"Items":[{"a":{"S":"x"}}],"X":[[1],"}"],"Y":null,"Z":-1.5e3,',
      '"LastEvaluatedKey":{"a":{"S":"\\u0041"}}}',
    );
    expect(textsOf(found)).toEqual(['{"a":{"S":"x"}}']);
    expect(found).toMatchObject({ items: 1, scanned: 1, units: undefined, next: '{"a":{"S":"\\u0041"}}' });
  });

  test('without items may go on', () => {
    expect(page('{"Count":0,"Items":[],"LastEvaluatedKey":{"a":{"N":"1"}}}').next).toBe('{"a":{"N":"1"}}');
    expect(page('{"Count":0,"Items":[ ],"LastEvaluatedKey":null}').next).toBeUndefined();
  });

  test('fault 35: that ends anywhere but at its end is no page', () => {
    const whole = '{"Count":2,"Items":[{"a":{"S":"x\\"}"}},{"b":{"L":[{"N":"1"}]}}],"ScannedCount":2}';
    for (let end = 0; end < whole.length; end += 1)
      expect(() => page(whole.slice(0, end)), whole.slice(0, end)).toThrow('not sound');
  });

  test.each([
    '{}',
    '[]',
    '{"Count":1,"Items":[]}',
    '{"Items":{}}',
    '{"Items":["x"]}',
    '<html>',
    '{"Items":[{}],"Count":x}',
    '{"Items":[]}{"Items":[]}',
    '{"Items":[{"a":{"S":"1"}}],"Items":[]}',
    '{"Items":[],"LastEvaluatedKey":{}}',
    '{"Items":[],"LastEvaluatedKey":"x"}',
    '{"Items":[],"LastEvaluatedKey":{"a":{"S":x}}}',
    '{"Items":[{"a":{"S":"1"}},{"a":{"S":"x\ny"}}]}',
  ])('%s is none', (body) => {
    expect(() => page(body)).toThrow('not sound');
  });
});

test('a key that is no UTF-8 is none: it would be sent back as another one', () => {
  const body = Buffer.from('{"Count":0,"Items":[],"LastEvaluatedKey":{"a":{"S":"é"}}}');
  expect(readPage(body).next).toBe('{"a":{"S":"é"}}');
  body[body.indexOf('é') + 1] = 0x22 ^ 0xff;
  expect(() => readPage(body)).toThrow('no UTF-8');
});

test('units that no page can take are not believed', () => {
  const unitsOf = (units: string): number | undefined =>
    page(`{"Count":0,"Items":[],"ConsumedCapacity":{"CapacityUnits":${units}}}`).units;
  expect(['0', '0.5', '128.5', '2000'].map(unitsOf)).toEqual([0, 0.5, 128.5, 2000]);
  expect(['-1', '1e30', '"1"', 'null'].map(unitsOf)).toEqual([undefined, undefined, undefined, undefined]);
});

test('fault 70: a segment that goes round in a circle of any length is found, one that goes on never', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: 1, max: 50 }), (before, length) => {
      const circle = new Circle(undefined);
      const keyAt = (i: number): string => String(i < before ? i : before + ((i - before) % length));
      let found = 0;
      while (!circle.closes(keyAt(found))) found += 1;
      expect(found).toBeGreaterThanOrEqual(before + length);
      expect(found).toBeLessThan(4 * (before + length) + 4);
    }),
  );
});

describe('the segments of a scan', () => {
  test('fault 68: go on from any moment without a segment missing or twice', () => {
    const steps = fc.array(fc.record({ worker: fc.nat(3), done: fc.boolean(), stop: fc.nat(9) }), { maxLength: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), steps, (segments, all) => {
        let queue = new SegmentQueue(segments);
        let workers = new Map<number, { segment: number; key: string | undefined }>();
        const pages = new Map<number, number>();
        const finished: number[] = [];
        const step = (worker: number, done: boolean): boolean => {
          const at = workers.get(worker) ?? queue.take();
          if (at === undefined) return false;
          // A segment's pages are numbered by its place.
          expect(Number(at.key ?? 0)).toBe(pages.get(at.segment) ?? 0);
          const page = (pages.get(at.segment) ?? 0) + 1;
          pages.set(at.segment, page);
          queue.advance(at.segment, done ? undefined : String(page), 1);
          if (done) {
            finished.push(at.segment);
            workers.delete(worker);
          } else workers.set(worker, { segment: at.segment, key: String(page) });
          return true;
        };
        for (const { worker, done, stop } of all) {
          step(worker, done);
          if (stop > 0) continue;
          queue = new SegmentQueue(JSON.parse(JSON.stringify(queue.places())) as ReturnType<typeof queue.places>);
          workers = new Map();
        }
        for (let worker = 0; worker < 4; worker += 1) while (step(worker, true));
        expect(finished.sort((a, b) => a - b)).toEqual(Array.from({ length: segments }, (_, i) => i));
        expect(queue.complete).toBe(true);
      }),
    );
  });

  test('places of another object than the one that was recorded are none', () => {
    const { body, digest } = encodePlaces({ segments: 4, next: 2, open: [[1, '{"pk":{"S":"a"}}']] });
    expect(decodePlaces(body, digest, 'x')).toMatchObject({ segments: 4, next: 2 });
    const other = Buffer.from(body.toString().replace('"next":2', '"next":3'));
    expect(() => decodePlaces(other, digest, 'x')).toThrow(expect.objectContaining({ code: 'TARGET_BAD' }));
  });

  test('are many more than workers, and not more than a large table needs', () => {
    expect([0, 1e9, 50e9, 1e15].map(segmentsFor)).toEqual([32, 32, 373, 10_000]);
  });
});
