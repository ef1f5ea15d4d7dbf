import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignNames, RESERVED_NAMES } from '../../src/schema/names.ts';

const NONE = new Map<string, string>();
const options = { reserved: RESERVED_NAMES };
const assign = (...attrs: string[]) => Object.fromEntries(assignNames(attrs, NONE, options));
const hash8 = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Texts that collide often: case pairs, rewritten characters, reserved words, prototype words. */
const attrName = fc.oneof(
  fc.stringMatching(/^[aAbB_\-. 1]{0,4}$/),
  fc.constantFrom(
    ...RESERVED_NAMES,
    '__proto__',
    'constructor',
    'toString',
    'S',
    'Item',
    '',
    '😀',
    'É',
    'é',
    'İ',
    'ı',
    'K',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', minLength: 95, maxLength: 140 }),
);
const attrSet = fc.uniqueArray(attrName, { maxLength: 40 });

describe('assignNames', () => {
  test('names that every engine accepts stay untouched', () => {
    expect(assign('pk', 'createdAt', '_x', 'a1')).toEqual({ pk: 'pk', createdAt: 'createdAt', _x: '_x', a1: 'a1' });
    expect(assign('a'.repeat(128))).toEqual({ ['a'.repeat(128)]: 'a'.repeat(128) });
  });

  test('fault 80: other names are rewritten', () => {
    expect(assign('a.b', '1st', '', 'é', '😀', 'x"y`z')).toEqual({
      'a.b': 'a_b',
      '1st': '_1st',
      '': '_',
      é: `__${hash8('é')}`,
      '😀': `__${hash8('😀')}`,
      'x"y`z': 'x_y_z',
    });
    const long = 'n'.repeat(65_536);
    expect(assignNames([long], NONE, options).get(long)).toBe('n'.repeat(100));
  });

  test('fault 81: names that differ only by case are told apart, the first by bytes keeps its name', () => {
    expect(assign('id', 'ID', 'Id')).toEqual({ ID: 'ID', Id: `Id_${hash8('Id')}`, id: `id_${hash8('id')}` });
  });

  test('a name that needs no rewrite goes before one that was rewritten into it', () => {
    expect(assign('a-b', 'a_b')).toEqual({ a_b: 'a_b', 'a-b': `a_b_${hash8('a-b')}` });
  });

  test('more digits where the hashed name is taken, too', () => {
    const squatter = `a_b_${hash8('a-b')}`;
    expect(assign('a-b', 'a_b', squatter)['a-b']).toMatch(new RegExp(`^${squatter}[0-9a-f]$`));
  });

  test('fault 83: reserved names are renamed, ignoring case', () => {
    expect(assign('_rescued', '_FILE', '_change_type')).toEqual({
      _rescued: `_rescued_${hash8('_rescued')}`,
      _FILE: `_FILE_${hash8('_FILE')}`,
      _change_type: `_change_type_${hash8('_change_type')}`,
    });
    expect(assignNames(['_file'], NONE, { reserved: [] }).get('_file')).toBe('_file');
  });

  test('a recorded name wins, also over a plain one, and is kept for columns not seen now', () => {
    const recorded = new Map([
      ['ID', 'id'],
      ['gone', 'Total'],
    ]);
    const names = assignNames(['id', 'ID', 'total'], recorded, options);
    expect(Object.fromEntries(names)).toEqual({ ID: 'id', id: `id_${hash8('id')}`, total: `total_${hash8('total')}` });
  });

  test('property: injective ignoring case, plain, never reserved', () => {
    fc.assert(
      fc.property(attrSet, (attrs) => {
        const names = [...assignNames(attrs, NONE, options).values()];
        expect(names).toHaveLength(attrs.length);
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
        for (const name of names) {
          expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/);
          expect(RESERVED_NAMES.map((r) => r.toLowerCase())).not.toContain(name.toLowerCase());
        }
      }),
      { numRuns: 500 },
    );
  });

  test('property: whatever the order, and the same again once recorded', () => {
    fc.assert(
      fc.property(
        attrSet.chain((attrs) => fc.tuple(fc.constant(attrs), fc.shuffledSubarray(attrs, { minLength: attrs.length }))),
        ([attrs, shuffled]) => {
          const names = assignNames(attrs, NONE, options);
          expect(new Map([...assignNames(shuffled, NONE, options)].sort())).toEqual(new Map([...names].sort()));
          expect(assignNames(shuffled, names, options)).toEqual(
            new Map(shuffled.map((attr) => [attr, names.get(attr)])),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('property: a later load keeps every name of the one before', () => {
    fc.assert(
      fc.property(attrSet, attrSet, (first, second) => {
        const before = assignNames(first, NONE, options);
        const after = assignNames([...first, ...second], before, options);
        for (const [attr, name] of before) expect(after.get(attr)).toBe(name);
        expect(new Set([...after.values()].map((name) => name.toLowerCase())).size).toBe(after.size);
      }),
      { numRuns: 300 },
    );
  });
});
