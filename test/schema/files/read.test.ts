import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../../src/model/errors.ts';
import { readSchemaFile } from '../../../src/schema/files/read.ts';

function failure(text: string): TailraceError {
  try {
    readSchemaFile(text, 'shop.yaml');
  } catch (error) {
    if (error instanceof TailraceError) return error;
    throw error;
  }
  throw new Error(`nothing was thrown for ${text}`);
}

const columns = (text: string) => readSchemaFile(`columns:\n${text}`, 'shop.yaml').columns;

describe('our form', () => {
  test('short and long forms, tags, names, formats', () => {
    expect(
      columns(`
  pk: string
  total: decimal( 18 , 4 )
  at: {type: timestamp, format: iso-ms}
  seen: timestamp
  tags: {type: list<string>, tag: SS}
  address: {type: struct, name: addr, fields: {city: string, zip: {type: long, name: code}}}
  lines: {type: list, of: {type: struct, fields: {qty: long}}}
  scores: {type: map, of: long}
  blob: {type: ddb-json}
  total2: {name: amount}
  price: [{name: price_s, type: string}, {name: price_n, type: long}]
`),
    ).toEqual([
      { attr: 'pk', tag: 'S', type: { kind: 'string' } },
      { attr: 'total', tag: 'N', type: { kind: 'decimal', precision: 18, scale: 4 } },
      { attr: 'at', tag: 'S', type: { kind: 'timestamp', format: 'iso-ms' } },
      { attr: 'seen', tag: undefined, type: { kind: 'timestamp' } },
      { attr: 'tags', tag: 'SS', type: { kind: 'list', element: { tag: 'S', type: { kind: 'string' } } } },
      {
        attr: 'address',
        name: 'addr',
        tag: 'M',
        type: {
          kind: 'struct',
          fields: [
            { attr: 'city', tag: 'S', type: { kind: 'string' } },
            { attr: 'zip', name: 'code', tag: 'N', type: { kind: 'long' } },
          ],
        },
      },
      {
        attr: 'lines',
        tag: 'L',
        type: {
          kind: 'list',
          element: { tag: 'M', type: { kind: 'struct', fields: [{ attr: 'qty', tag: 'N', type: { kind: 'long' } }] } },
        },
      },
      { attr: 'scores', tag: 'M', type: { kind: 'map', value: { tag: 'N', type: { kind: 'long' } } } },
      { attr: 'blob', tag: '*', type: { kind: 'ddb-json' } },
      { attr: 'total2', name: 'amount', tag: undefined, type: { kind: 'auto' } },
      { attr: 'price', name: 'price_s', tag: 'S', type: { kind: 'string' } },
      { attr: 'price', name: 'price_n', tag: 'N', type: { kind: 'long' } },
    ]);
  });

  test('names that YAML would read as something else stay as they are written', () => {
    expect(
      columns(
        '  1: string\n  01: string\n  null: string\n  yes: string\n  ~: string\n  __proto__: string\n  "": string\n  1e3: string\n  <<: string\n',
      ).map((column) => column.attr),
    ).toEqual(['1', '01', 'null', 'yes', '~', '__proto__', '', '1e3', '<<']);
  });

  test('key, derived columns, and the same as JSON with tabs', () => {
    const file = {
      version: 1,
      key: ['pk'],
      columns: { pk: 'string', at: { type: 'string', name: 'At' } },
      derived: { at_ts: { from: 'At', format: 'iso' } },
    };
    const read = readSchemaFile(JSON.stringify(file, null, '\t'), 'x.json');
    expect(read).toEqual({
      form: 'tailrace',
      key: ['pk'],
      derived: [{ name: 'at_ts', from: 'At', format: 'iso' }],
      columns: [
        { attr: 'pk', tag: 'S', type: { kind: 'string' } },
        { attr: 'at', name: 'At', tag: 'S', type: { kind: 'string' } },
      ],
    });
    expect(readSchemaFile('key: pk\ncolumns: {pk: string}', 'x').key).toEqual(['pk']);
    expect(readSchemaFile('columns: {}', 'x')).toMatchObject({ key: undefined, columns: [] });
  });

  test('attributes that differ only by case are no contradiction', () => {
    expect(columns('  id: string\n  ID: string\n')).toHaveLength(2);
  });

  test.each<[string, string, string, string]>([
    ['pk: strin', 'line 2, columns.pk', '“strin” is not a type', 'decimal(p,s)'],
    ['pk: integer', 'line 2, columns.pk', '“integer” is not a type', 'long'],
    ['pk: ', 'line 2, columns.pk', 'not a type', 'long'],
    ['n: decimal(39,2)', 'columns.n', 'precision', '1 to 38'],
    ['n: decimal(0,0)', 'columns.n', 'precision', '1 to 38'],
    ['n: decimal(10,11)', 'columns.n', 'more decimal places', '0 to 10'],
    ['n: decimal(10)', 'columns.n', 'not a decimal type', 'decimal(precision,scale)'],
    ['ok: {type: boolean, format: iso}', 'columns.ok.format', 'does not belong to the type boolean', 'timestamp'],
    ['ok: {type: timestamp, format: rfc}', 'columns.ok.format', 'not a format of times', 'iso-ms'],
    ['ok: timestamp(ISO)', 'columns.ok', 'not a format of times', 'epoch-us'],
    ['a: {type: string, tag: N}', 'columns.a.tag', 'cannot hold values of the type N', 'S'],
    ['a: {type: timestamp, format: epoch-s, tag: S}', 'columns.a.tag', 'cannot hold', 'N'],
    ['a: {type: string, tag: X}', 'columns.a.tag', 'not a DynamoDB type', 'S'],
    ['a: {typ: string}', 'columns.a.typ', 'says nothing of a column', 'type, name, tag'],
    ['a: {type: struct}', 'columns.a', 'needs “fields”', 'fields'],
    ['a: {type: list}', 'columns.a', 'needs “of”', 'list<string>'],
    ['a: {type: list, of: {type: long, name: x}}', 'columns.a.of.name', 'have no name', ''],
    ['a: {type: string, fields: {}}', 'columns.a.fields', 'does not belong', 'struct'],
    ['a: {type: string, name: "1a"}', 'columns.a.name', 'not a name that every engine accepts', 'letters'],
    ['a: {type: string, name: _Rescued}', 'columns.a.name', 'reserved', ''],
    [
      '"x.y":\n    type: struct\n    fields:\n      zip: nope',
      'line 5, columns."x.y".fields.zip',
      'not a type',
      'string',
    ],
    ['a: {name: x, type: string}\n  b: {name: X, type: string}', 'line 3, columns.b', 'given to “b” and to “a”', ''],
    ['a: {name: B, type: string}\n  b: string', 'line 3, columns.b', 'given to “b” and to “a”', ''],
    ['a: [{type: string}, {type: string, name: a2}]', 'columns.a', 'hold the same values', ''],
    [
      's: {type: struct, fields: {a: {name: n, type: long}, b: {name: N, type: long}}}',
      'columns.s.fields.b',
      'given to',
      '',
    ],
  ])('%s is refused at its place', (text, place, message, expected) => {
    const error = failure(`columns:\n  ${text}\n`);
    expect(error.code).toBe('SCHEMA_FILE');
    expect(error.place).toMatch(/^shop\.yaml, line \d+, /);
    expect(error.place).toContain(place);
    expect(error.message).toContain(message);
    expect(error.expected ?? '').toContain(expected);
  });

  test('a struct’s fields may have names that are reserved for columns', () => {
    expect(columns('  s: {type: struct, fields: {x: {type: long, name: _file}}}')).toHaveLength(1);
  });

  test('a comma that ends a text in braces is explained', () => {
    expect(failure('columns: {n: {type: decimal(18,2)}}').hint).toContain('quotes');
    expect(failure('columns: {n: decimal(18,2)}').hint).toContain('quotes');
  });

  test.each<[string, string, string]>([
    ['', 'line 1', 'no mapping'],
    ['- a', 'line 1', 'no mapping'],
    ['columns: {a: string}\ncolums: 1', 'line 2, colums', 'not a part'],
    ['version: 2\ncolumns: {}', 'line 1, version', 'version'],
    ['version: 1', 'columns', 'no columns'],
    ['columns: {a: string}\nkey: [b]', 'line 2, key', 'not among the columns'],
    ['columns: {a: boolean}\nkey: [a]', 'key', 'no key can have'],
    ['columns: {a: string}\nkey: [a, a]', 'key', 'one or two'],
    ['columns: {a: string}\nkey: {}', 'key', 'one or two'],
    ['columns:\n  a: string\n  a: long', 'line 3', 'stands twice'],
    ['columns:\n  a: [string, long]', 'line 2, columns.a', 'have no name'],
    ['columns: {a: {type: struct, fields: {}}}', 'columns.a', 'needs “fields”'],
    ['columns: {a: string', 'line 1', 'not YAML'],
    ['columns: {a: &x string, b: *x}', 'columns', 'Aliases'],
    ['columns: {? [a] : string}', 'columns', 'not a name'],
    ['columns: {a: string}\nderived: {t: {from: z, format: iso}}', 'derived.t.from', 'not a column'],
    ['columns: {a: string}\nderived: {t: {from: a}}', 'derived.t', '“from” and “format”'],
    ['columns: {a: string}\nderived: {A: {from: a, format: iso}}', 'columns.a', 'a derived column'],
    ['columns: {a: string}\nderived: {t: {from: a, format: x}}', 'derived.t.format', 'format of times'],
  ])('%s is refused', (text, place, message) => {
    const error = failure(text);
    expect([error.code, error.place, error.message]).toEqual([
      'SCHEMA_FILE',
      expect.stringContaining(place),
      expect.stringContaining(message),
    ]);
  });

  test('types nested too deep are refused, and not by an overflow', () => {
    expect(failure(`columns: {a: ${'list<'.repeat(5000)}long${'>'.repeat(5000)}}`).message).toContain('not a type');
    expect(failure(`columns: {a: ${'{type: list, of: '.repeat(100)}long${'}'.repeat(100)}}`).message).toContain(
      'too deep',
    );
    expect(failure(`columns: ${'{a: '.repeat(20_000)}`).code).toBe('SCHEMA_FILE');
  });

  test('property: any text is read or refused with a SCHEMA_FILE error', () => {
    const part = fc.constantFrom(
      'columns:',
      'a:',
      ' string',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      ': ',
      '- ',
      '#',
      'type: ',
      'list',
      '<',
      '>',
      '&a ',
      '*a',
      '!t ',
      '? ',
      '|',
      '\t',
      'decimal(',
      '1,2)',
      '%',
      '---',
      '...',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        try {
          readSchemaFile(parts.join(''), 'x');
        } catch (error) {
          expect(error).toMatchObject({ code: 'SCHEMA_FILE' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the flat form', () => {
  test('attributes and tags; numbers and nested values follow from the data', () => {
    const file = readSchemaFile(
      '{\n    "product_id": "S",\n    "quantity": "N",\n    "columns": "L",\n    "version": "B",\n    "tags": "SS",\n    "__proto__": "BOOL"\n}\n',
      's.json',
    );
    expect(file).toEqual({
      form: 'flat',
      key: undefined,
      derived: [],
      columns: [
        { attr: 'product_id', tag: 'S', type: { kind: 'string' } },
        { attr: 'quantity', tag: 'N', type: { kind: 'auto' } },
        { attr: 'columns', tag: 'L', type: { kind: 'auto' } },
        { attr: 'version', tag: 'B', type: { kind: 'binary' } },
        { attr: 'tags', tag: 'SS', type: { kind: 'list', element: { tag: 'S', type: { kind: 'string' } } } },
        { attr: '__proto__', tag: 'BOOL', type: { kind: 'boolean' } },
      ],
    });
  });

  test('other values are refused at their line', () => {
    expect(failure('{\n "a": "S",\n "b": "string"\n}')).toMatchObject({
      code: 'SCHEMA_FILE',
      place: 'shop.yaml, line 3, b',
      found: 'string',
    });
    expect(failure('{"a": "X"}').expected).toBe('one of S, N, B, BOOL, NULL, SS, NS, BS, L, M');
    expect(failure('{}').message).toContain('empty');
    expect(failure('pk: string\nsk: long').hint).toContain('columns:');
  });
});
