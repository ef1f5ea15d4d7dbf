import { describe, expect, test } from 'vitest';
import { list } from '../../src/engine/sql/quote.ts';
import { isExtension } from '../../src/pipeline/learn/learner.ts';
import { needsRewrite } from '../../src/schema/drift.ts';
import { canonicalLine } from '../data/canonical.ts';
import { canonicalItems, optionsWith } from './harness.ts';
import { catLoaded, change, loadWindow, localPath, timesOf } from './window-load.ts';

/** Names that differ by case only are read as text. */
const TWINS = { x: { N: '1' }, X: { S: 'y' } };

describe.each([
  ['without partitions', optionsWith()],
  ['partitioned', optionsWith({ partition: [{ transform: 'bucket', width: 3, column: 'pk' }] })],
  ['with one column', optionsWith({ schema: { maxColumns: 1 } })],
  ['sorted', optionsWith({ sort: [{ column: 'pk', descending: true, nullsFirst: false }] })],
])('%s', (_name, options) => {
  test.each([
    ['DYNAMODB_JSON', {}],
    ['ION', {}],
    ['DYNAMODB_JSON', TWINS],
  ] as const)('fault 53: puts become rows, deletes their keys, from %s with %o', async (format, more) => {
    const changes = [
      change(1, 'a', { n: { N: '1' }, s: { S: '' }, ...more }),
      change(2, 'b', { n: { N: '2.50' }, t: { NULL: true } }, { n: { N: '7' } }),
      change(3, 'c', undefined, { n: { N: '1' } }),
      change(4, 'd'),
      ...Array.from({ length: 40 }, (_, i) => change(10 + i, `x${i}`, i % 3 === 0 ? undefined : { n: { N: `${i}` } })),
    ];
    const loaded = await loadWindow(changes, options, format === 'ION' ? { format_: 'ION' } : {});
    const puts = changes.filter((each) => each.new !== undefined);
    const gone = changes.filter((each) => each.new === undefined);
    expect(loaded).toMatchObject({ read: changes.length, rejected: 0 });
    expect(loaded.files.reduce((sum, file) => sum + file.rows, 0)).toBe(puts.length);
    expect(loaded.deletes.reduce((sum, file) => sum + file.rows, 0)).toBe(gone.length);
    expect((await catLoaded(loaded)).map(canonicalLine).sort()).toEqual(
      canonicalItems(puts.map((each) => each.new ?? {})),
    );
    const times = (all: typeof changes): Map<string, bigint> =>
      new Map(all.map((each) => [Object.values(each.keys['pk'] ?? {})[0] as string, each.at]));
    expect(await timesOf(loaded, loaded.files)).toEqual(times(puts));
    expect(await timesOf(loaded, loaded.deletes)).toEqual(times(gone));
    loaded.duck.close();
  });
});

describe('rules of changes', () => {
  const good = (pk: string, more = ''): string =>
    `{"Metadata":{"WriteTimestampMicros":{"N":"1768387654353205"}},"Keys":{"pk":{"S":"${pk}"}},"NewImage":{"pk":{"S":"${pk}"},"n":{"N":"1"}${more}}}`;

  test.each([false, true])(
    'faults 87 and 88: each kind of poison is rejected with its reason, and counts close (text: %s)',
    async (text) => {
      const more = text ? ',"N":{"S":"makes it text"}' : '';
      const poison: [line: string, reason: RegExp][] = [
        [good('p1').replace(/"Keys":\{"pk":\{"S":"p1"\}\},/, ''), /no "Keys"/],
        [good('p2').replace('"Keys":{"pk":{"S":"p2"}}', '"Keys":{"pk":{"S":"other"}}'), /is not that of "Keys"/],
        [good('p3').replace('"NewImage"', '"Extra":1,"NewImage"'), /unknown member "Extra"/],
        [
          good('p4').replace('"Metadata":{"WriteTimestampMicros":{"N":"1768387654353205"}},', ''),
          /no "WriteTimestampMicros"/,
        ],
        [good('p5').replace('1768387654353205', '17e3'), /not a time in microseconds/],
        [good('p6').replace('"N":"1768387654353205"', '"S":"1768387654353205"'), /is not a number/],
        [
          good('p7').replace('"Keys":{', '"Keys":{"x":{"S":"y"},'),
          /of "NewImage" is not that of "Keys"|not of the table's key/,
        ],
        [good('p8').replace('"NewImage":{"pk":{"S":"p8"},', '"NewImage":{'), /is not that of "Keys"/],
        [good('p9').replaceAll('{"S":"p9"}', '{"N":"9"}'), /has type N/],
        [good('p10').replace('"n":{"N":"1"}', '"n":{"N":"NaN"}'), /not a number/],
        [`${good('p11')}}`, /text after/],
        ['{"Item":{"pk":{"S":"p12"}}}', /unknown member "Item"/],
        ['{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"sk":{"S":"x"}}}', /not of the table's key/],
        ['{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"pk":{"S":"x"}},"NewImage":7}', /not an object/],
      ];
      const options = optionsWith({ schema: { key: [] } });
      for (const [line, reason] of poison) {
        const lines = [good('a', more), good('b', more), line, good('c').replace(/,"NewImage".*/, '}')];
        const loaded = await loadWindow({ lines }, options, { filesCount: 1 });
        expect([line, loaded.rejects.map((reject) => reject.reason)]).toEqual([line, [expect.stringMatching(reason)]]);
        const rows = loaded.files.reduce((sum, file) => sum + file.rows, 0);
        expect([loaded.read, loaded.rejected, rows, loaded.deletes.length]).toEqual([4, 1, 2, 1]);
        loaded.duck.close();
      }
    },
  );

  test('the keys of most lines are the key where nobody named it; two of them are ordered by name, with a warning', async () => {
    const line = (keys: string): string => `{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{${keys}}}`;
    const lines = [line('"z":{"S":"1"}'), line('"sk":{"N":"1"},"pk":{"S":"a"}'), line('"pk":{"S":"a"},"sk":{"N":"2"}')];
    const loaded = await loadWindow({ lines }, optionsWith({ schema: { key: [] } }));
    expect(loaded.layout.schema.keys).toEqual(['pk', 'sk']);
    expect(loaded.warnings).toMatchObject([{ code: 'key-order' }]);
    expect(loaded).toMatchObject({ read: 3, rejected: 1, files: [] });
    loaded.duck.close();
  });

  test('fault 51: a window without changes, and one of deletes alone', async () => {
    const none = await loadWindow([], optionsWith());
    expect(none).toMatchObject({ read: 0, files: [], deletes: [], warnings: [] });
    none.duck.close();
    const gone = await loadWindow([change(1, 'a'), change(2, 'b')], optionsWith(), { filesCount: 1 });
    expect(gone).toMatchObject({ read: 2, files: [], rejected: 0 });
    expect(await timesOf(gone, gone.deletes)).toEqual(
      new Map([
        ['a', change(1, 'a').at],
        ['b', change(2, 'b').at],
      ]),
    );
    gone.duck.close();
  });

  test.each(['NEW_AND_OLD_IMAGES', 'NEW_IMAGE'] as const)('history keeps every change as a row: %s', async (view) => {
    const options = optionsWith({ schema: { mode: 'history', exclude: ['secret'] } });
    const changes = [
      change(1, 'a', { n: { N: '1' }, secret: { S: 'x' } }),
      change(2, 'b', { n: { N: '2' } }, { n: { N: '1' }, secret: { S: 'x' }, m: { M: { secret: { S: 'stays' } } } }),
      change(3, 'c', undefined, { secret: { S: 'x' } }),
      change(4, 'd'),
    ];
    const loaded = await loadWindow(changes, options, { view });
    expect(loaded.deletes).toEqual([]);
    const rows = await loaded.duck.rows(
      `SELECT pk, n::VARCHAR AS n, _operation, _old_image, _source LIKE 'arn:%/export/%' AS src, _rescued, (epoch_us(_written_at) - ${change(0, 'a').at})::VARCHAR AS at FROM read_parquet(${list(loaded.files.map((file) => localPath(loaded.dir, file.path)))}) ORDER BY pk`,
    );
    const both = view === 'NEW_AND_OLD_IMAGES';
    const row = (pk: string, n: string | null, op: string, old: string | null, at: string) => ({
      pk,
      n,
      _operation: op,
      _old_image: old,
      src: true,
      _rescued: null,
      at,
    });
    expect(rows).toEqual([
      row('a', '1', both ? 'insert' : 'put', null, '1'),
      row(
        'b',
        '2',
        both ? 'update' : 'put',
        both ? '{"pk":{"S":"b"},"n":{"N":"1"},"m":{"M":{"secret":{"S":"stays"}}}}' : null,
        '2',
      ),
      row('c', null, 'delete', both ? '{"pk":{"S":"c"}}' : null, '3'),
      row('d', null, 'delete', null, '4'),
    ]);
    loaded.duck.close();
  });

  test('history: an old image that is no item is rejected; where nobody keeps it, it does not matter', async () => {
    const lines = [good('a'), good('b').replace('"NewImage"', '"OldImage":{"pk":{"S":"b"},"x":{"Q":1}},"NewImage"')];
    for (const [mode, rejected] of [
      ['history', 1],
      ['mirror', 0],
    ] as const) {
      const loaded = await loadWindow({ lines }, optionsWith({ schema: { mode } }));
      expect(loaded).toMatchObject({ read: 2, rejected });
      loaded.duck.close();
    }
  });

  test('soft: puts are not deleted; deletes come apart', async () => {
    const loaded = await loadWindow([change(1, 'a', {}), change(2, 'b')], optionsWith({ schema: { mode: 'soft' } }));
    const paths = list(loaded.files.map((file) => localPath(loaded.dir, file.path)));
    const rows = await loaded.duck.rows(`SELECT pk, _deleted, typeof(_deleted) AS t FROM read_parquet(${paths})`);
    expect(rows).toEqual([{ pk: 'a', _deleted: null, t: 'BOOLEAN' }]);
    expect(loaded.deletes.map((file) => file.rows)).toEqual([1]);
    loaded.duck.close();
  });
});

describe('evolution', () => {
  async function recorded() {
    const first = await loadWindow(
      [change(1, 'a', { n: { N: '7' }, m: { M: { x: { N: '1' } } }, s: { S: 't' } })],
      optionsWith(),
    );
    first.duck.close();
    return first.layout.schema;
  }
  const next = [
    change(1, 'a', { n: { N: '7.25' }, m: { M: { x: { N: '1' }, y: { S: 'new' } } }, s: { N: '5' } }),
    change(2, 'b', { late: { SS: ['a'] } }),
  ];

  test('fault 78: recorded columns keep ids and names, a number that outgrows its column gets a new id', async () => {
    const before = await recorded();
    const loaded = await loadWindow(next, optionsWith(), { recorded: before });
    const after = loaded.layout.schema;
    const id = (schema: typeof before, name: string) => schema.columns.find((column) => column.name === name)?.id;
    expect(needsRewrite(before, after)).toEqual([id(before, 'n')]);
    for (const name of ['pk', 'm', 's']) expect(id(after, name)).toBe(id(before, name));
    expect(id(after, 'late')).toBeGreaterThan(before.lastFieldId);
    expect(isExtension(before, after)).toBe(false);
    expect((await catLoaded(loaded)).map(canonicalLine).sort()).toEqual(
      canonicalItems(next.map((each) => each.new ?? {})),
    );
    expect(loaded.rescued).toBe(1);
    loaded.duck.close();
  });

  test('--on-drift rescue keeps the column and rescues the number; fail names attribute, value and column', async () => {
    const before = await recorded();
    const kept = await loadWindow(next, optionsWith(), { recorded: before, onDrift: 'rescue' });
    expect(needsRewrite(before, kept.layout.schema)).toEqual([]);
    expect((await catLoaded(kept)).map(canonicalLine).sort()).toEqual(
      canonicalItems(next.map((each) => each.new ?? {})),
    );
    expect(kept.rescued).toBe(1);
    kept.duck.close();
    await expect(loadWindow(next, optionsWith(), { recorded: before, onDrift: 'fail' })).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      place: 'attribute n',
      found: expect.stringContaining('7.25'),
      message: expect.stringContaining('“n”'),
    });
  });
});
