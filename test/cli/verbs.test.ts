import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CatOptions } from '../../src/cli/library.ts';
import { TailraceError } from '../../src/model/errors.ts';
import type { QueryResult, SchemaReport } from '../../src/model/report.ts';
import { fakeSink, onlyDocument, run } from './fake-world.ts';

async function* each<T>(...values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

function result(
  columns: QueryResult['columns'],
  rows: AsyncIterable<readonly unknown[]>,
): QueryResult & { closed: boolean } {
  const query = {
    columns,
    rows,
    closed: false,
    async close() {
      query.closed = true;
    },
  };
  return query;
}

class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

describe('query', () => {
  const columns = [
    { name: 'id', type: 'BIGINT' },
    { name: 'price', type: 'DECIMAL(38,2)' },
    { name: 'name', type: 'VARCHAR' },
    { name: 'name', type: 'VARCHAR' },
  ];
  const rows = [
    [9223372036854775807n, new Decimal('12345678901234567890123456789012345.10'), 'a,"b"\n', null],
    [-1n, '0.50', '', ['x', { y: 1n }]],
  ];

  test('--json is an array of objects with exact numbers', async () => {
    const ran = await run(['query', 't', 'select', '--json'], { query: async () => result(columns, each(...rows)) });
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(
      '[\n{"id":9223372036854775807,"price":12345678901234567890123456789012345.10,"name":"a,\\"b\\"\\n","name:1":null},\n' +
        '{"id":-1,"price":0.50,"name":"","name:1":["x",{"y":1}]}\n]\n',
    );
    expect((await run(['query', 't', 'q', '--json'], { query: async () => result(columns, each()) })).out).toBe('[]\n');
  });

  test('decimals that come as text are numbers at any depth, other text stays text', async () => {
    const nested = [
      {
        name: 'n',
        type: 'STRUCT(a DECIMAL(4,2), "b, ""c""" DECIMAL(38,0)[], d VARCHAR, m MAP(VARCHAR, DECIMAL(3,1)))',
      },
    ];
    const { out } = await run(['query', 't', 'q', '--json'], {
      query: async () => result(nested, each([{ a: '1.50', 'b, "c"': ['7', null], d: '1.50', m: { x: '0.5' } }])),
    });
    expect(out).toBe('[\n{"n":{"a":1.50,"b, \\"c\\"":[7,null],"d":"1.50","m":{"x":0.5}}}\n]\n');
  });

  test('elsewhere than on a terminal it is CSV in which null and empty differ', async () => {
    const { out } = await run(['query', 't', 'select'], { query: async () => result(columns, each(...rows)) });
    expect(out).toBe(
      'id,price,name,name\n9223372036854775807,12345678901234567890123456789012345.10,"a,""b""\n",\n' +
        '-1,0.50,"","[""x"",{""y"":1}]"\n',
    );
  });

  test('on a terminal it is an aligned table', async () => {
    const stdout = fakeSink({ isTerminal: true });
    await run(
      ['query', 't', 'q'],
      { query: async () => result(columns.slice(0, 3), each([5n, '1.50', 'a\u001b[2J'], [1000n, '10.25', null])) },
      {
        stdout,
        env: { NO_COLOR: '1' },
      },
    );
    expect(stdout.text).toBe(
      'id    price  name\n────  ─────  ────────────\n   5   1.50  a\\u001b[2J\n1000  10.25  NULL\n2 rows\n'.replace(
        '────────────',
        '─'.repeat(10),
      ),
    );
  });

  test('a query that breaks off midway still ends in one document, an exit code and an error', async () => {
    async function* broken(): AsyncGenerator<readonly unknown[]> {
      yield [1n];
      throw new TailraceError('QUERY', 'Division by zero.');
    }
    const query = result([{ name: 'a', type: 'BIGINT' }], broken());
    const ran = await run(['query', 't', 'q', '--json'], { query: async () => query });
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.out)).toEqual([{ a: 1 }, { error: { code: 'QUERY', message: 'Division by zero.' } }]);
    expect(ran.err).toContain('Division by zero');
    expect(query.closed).toBe(true);
    const refused = await run(['query', 't', 'q', '--json'], {
      query: async () => {
        throw new TailraceError('QUERY', 'No such column.');
      },
    });
    expect(onlyDocument(refused.out)).toEqual({
      outcome: 'failed',
      error: { code: 'QUERY', message: 'No such column.' },
    });
  });

  test('a reader that goes away ends it with 0, and closes the query', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<readonly unknown[]> {
      for (;;) yield [BigInt(given++)];
    }
    const query = result([{ name: 'a', type: 'BIGINT' }], endless());
    const ran = await run(['query', 't', 'q'], { query: async () => query }, { stdout: fakeSink({ closeAfter: 1 }) });
    expect([ran.code, ran.err, query.closed]).toEqual([0, '', true]);
    expect(given).toBeLessThan(100_000);
  });
});

describe('cat', () => {
  test('prints lines and nothing else', async () => {
    let seen: CatOptions | undefined;
    const cat = (_target: string, options: CatOptions): AsyncIterable<string> => {
      seen = options;
      return each('{"Item":{}}', '{"a":1}\n{"b":2}\n');
    };
    const ran = await run(['cat', 't'], { cat });
    expect(ran).toEqual({ code: 0, out: '{"Item":{}}\n{"a":1}\n{"b":2}\n', err: '' });
    expect(seen).toMatchObject({ as: 'ddb-json' });
    expect(seen).not.toHaveProperty('limit');
    await run(['cat', 't', '--as', 'json', '--limit', '0'], { cat });
    expect(seen).toMatchObject({ as: 'json', limit: 0 });
  });

  test('a reader that goes away ends it with 0 and lets the source finish', async () => {
    let finished = false;
    async function* lines(): AsyncGenerator<string> {
      try {
        for (;;) yield 'x'.repeat(1000);
      } finally {
        finished = true;
      }
    }
    const ran = await run(['cat', 't'], { cat: () => lines() }, { stdout: fakeSink({ closeAfter: 10_000 }) });
    expect([ran.code, ran.err, finished]).toEqual([0, '', true]);
  });

  test('a failure exits by its code, and says nothing on stdout', async () => {
    const ran = await run(['cat', 't'], {
      cat: () => {
        throw new TailraceError('TARGET_NOT_FOUND', 'No table lies at t.');
      },
    });
    expect([ran.code, ran.out]).toEqual([3, '']);
  });
});

describe('schema', () => {
  const report: SchemaReport = {
    end: './e',
    columns: [],
    key: [],
    items: 2,
    warnings: [{ code: 'K', text: 'careful' }],
    yaml: 'columns: []',
    flat: '{}',
    hiveDdl: 'CREATE',
  };
  const inferSchema = async (): Promise<SchemaReport> => report;

  test('infer prints the schema alone; warnings go to stderr', async () => {
    expect(await run(['schema', 'infer', './e'], { inferSchema })).toEqual({
      code: 0,
      out: 'columns: []\n',
      err: 'warning careful (K)\n',
    });
    expect((await run(['schema', 'infer', './e', '--format', 'hive-ddl'], { inferSchema })).out).toBe('CREATE\n');
    expect(onlyDocument((await run(['schema', 'infer', './e', '--json'], { inferSchema })).out)).toEqual(report);
  });

  test('infer --out writes the file whole', async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'tailrace-out-'));
    const ran = await run(['schema', 'infer', './e', '--out', 's.yaml'], { inferSchema }, { cwd });
    expect([ran.code, readFileSync(path.join(cwd, 's.yaml'), 'utf8')]).toEqual([0, 'columns: []\n']);
    expect(ran.out).toContain('--schema s.yaml');
    expect(readdirSync(cwd)).toEqual(['s.yaml']);
    expect((await run(['schema', 'infer', './e', '--out', 'no/such/s.yaml'], { inferSchema }, { cwd })).code).toBe(2);
    expect((await run(['schema', 'infer', './e', '--out', 's3://b/s.yaml'], { inferSchema }, { cwd })).code).toBe(2);
  });
});

test('demo prints its steps in order', async () => {
  const demo = () => each({ title: 'Export', text: 'written\n' }, { title: 'Load', text: 'loaded' });
  expect((await run(['demo'], { demo })).out).toBe('1. Export\nwritten\n\n2. Load\nloaded\n');
  expect(onlyDocument((await run(['demo', '--json'], { demo })).out)).toMatchObject({
    steps: [{ title: 'Export' }, { title: 'Load' }],
  });
});
