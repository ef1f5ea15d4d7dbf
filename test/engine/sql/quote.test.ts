import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openDuckDb } from '../../../src/engine/duckdb/instance.ts';
import { ident, list, str } from '../../../src/engine/sql/quote.ts';
import { SMALL } from '../duckdb/small.ts';

describe('quoting', () => {
  test('any well-formed text comes back from the engine unchanged', async () => {
    const duck = await openDuckDb(SMALL);
    const nasty = ['', "'", "''", '"', '\\', '\0', 'a\0b', '\n\r\t', 'é😀', '$1', '--', '%s', '; drop table t'];
    const text = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (texts) => {
        const [row] = await duck.rows(`select ${list(texts)}::VARCHAR[] as l, ${str(texts.join('|'))} as s`);
        expect(row).toEqual({ l: texts, s: texts.join('|') });
      }),
      { numRuns: 60 },
    );
    duck.close();
  });

  test('any name without NUL can name a column', async () => {
    const duck = await openDuckDb(SMALL);
    for (const name of ['a"b', "it's", 'select', 'é😀', ' ', 'a.b', '__proto__', '1']) {
      const rows = await duck.rows(`select 5 as ${ident(name)}`);
      expect(Object.entries(rows[0] ?? {})).toEqual([[name, 5]]);
    }
    duck.close();
  });

  test('a NUL in a name is refused, because the statement would end there', () => {
    expect(() => ident('a\0b')).toThrow(/NUL/);
  });
});
