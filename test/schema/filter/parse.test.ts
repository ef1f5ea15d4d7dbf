import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../../src/model/errors.ts';
import { normalFilter } from '../../../src/schema/filter/normal.ts';
import { parseFilter } from '../../../src/schema/filter/parse.ts';
import { printFilter } from '../../../src/schema/filter/print.ts';
import { filters } from './arbitrary.ts';

describe('normalFilter', () => {
  test.each([
    ["color <> 'undefined' and quantity is not null", "color <> 'undefined' and quantity is not null"],
    ["COLOR != 'x' AND NOT (a == 1)", "COLOR <> 'x' and a <> 1"],
    ['a between 1 and 1e3', 'a >= 1 and a <= 1000'],
    ['a not between 1 and 2', 'not (a >= 1 and a <= 2)'],
    ['(a = 1 or b = 2) and c = 3', '(a = 1 or b = 2) and c = 3'],
    ['a = 1 or (b = 2 and c = 3)', 'a = 1 or b = 2 and c = 3'],
    ['a = 1.0 and (b = -0 and c=+1)', 'a = 1 and b = 0 and c = 1'],
    ["a in ('x', 1, true)", "a in ('x', 1, true)"],
    ["address.city = 'it''s'", "address.city = 'it''s'"],
    ['lines[0].sku is missing', 'lines[0].sku is missing'],
    ['"odd name"."a.b" is null', '"odd name"."a.b" is null'],
    ['"null" is null and "is" = true', '"null" is null and "is" = true'],
    ["begins_with(pk, 'ORDER#') and contains(tags, 'new')", "begins_with(pk, 'ORDER#') and contains(tags, 'new')"],
    ["name like 'a\\%%'", "name like 'a\\%%'"],
    ['not not a = 1', 'a = 1'],
    ['not a < 5', 'not a < 5'],
    ['größe > 1', 'größe > 1'],
    ['user-id = 5', 'user-id = 5'],
  ])('%s', (text, normal) => {
    expect(normalFilter(text)).toBe(normal);
    expect(normalFilter(normal)).toBe(normal);
  });

  test.each([
    ['', 'an attribute is missing', 1],
    ['a', '“is”', 2],
    ['a = ', 'single quotes', 5],
    ['a = null', 'nothing is equal to null', 5],
    ['a < true', 'no order', 5],
    ['a = 1 b = 2', '“and”, “or” or the end', 7],
    ["a = 'x", 'not closed', 5],
    ['a = "x"', 'single quotes', 5],
    ['(a = 1', '“)”', 7],
    ['size(a) > 1', 'no function “size”', 1],
    ['a = 1e200', 'no number', 5],
    ['a is not 5', '“null” or “missing”', 10],
    ["a like 'x\\'", 'ends with a backslash', 8],
    ['a = 1; drop table t', '“;” has no meaning', 6],
    ['a[x] = 1', '“[” has no meaning', 2],
    [`${'('.repeat(65)}a = 1${')'.repeat(65)}`, 'nested', 66],
    [`a = '${'x'.repeat(3000)}'`, '3006 characters', 3001],
  ])('refuses %s', (text, message, at) => {
    const thrown = (() => {
      try {
        parseFilter(text);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(TailraceError);
    const { code, message: told, place } = thrown as TailraceError;
    expect(code).toBe('USAGE');
    expect(told).toContain(message);
    expect(place).toMatch(new RegExp(`character ${at}$`));
  });

  test('any condition prints as a text that reads as the same condition', () => {
    const paths = [['a'], ['null'], ['a b', 'c.d'], ['l', 0, 'x'], ['it"s'], ['__proto__'], ['1']];
    fc.assert(
      fc.property(filters(paths, ['', "it's", '%', 'x\ny', '🙂'], ['0', '-1.50', '1e-130', '9.99e125']), (filter) => {
        expect(parseFilter(printFilter(filter))).toEqual(filter);
      }),
      { numRuns: 500 },
    );
  });
});
