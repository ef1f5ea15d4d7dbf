import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { inspect, parsePartition, parseSort, type SyncOptions, type SyncReport, sync } from '../../src/index.ts';
import type { DdbItem } from '../data/ion.ts';
import type { WrittenExport } from '../data/make-export.ts';
import { writeWindow } from '../data/make-window.ts';
import { type Change, canonicalItems, catItems, exportOf, FORMATS, load, optionsWith, quiet } from './harness.ts';

const FIRST: DdbItem[] = [
  { pk: { S: 'a' }, region: { S: 'eu' }, at: { S: '2026-03-01T12:00:00Z' }, card: { S: '4111' }, n: { N: '1.5' } },
  { pk: { S: 'b' }, region: { S: 'us' }, at: { S: '2026-03-02T12:00:00Z' }, card: { S: '4222' }, n: { N: '2' } },
];
const SECOND: DdbItem[] = [{ ...FIRST[0], card: { S: '4333' }, more: { S: 'x' } }, { pk: { S: 'c' } }];
const LATER = { exportTime: '2026-03-08T12:00:00.000Z' };

const withoutCard = (items: DdbItem[]): string[] => canonicalItems(items.map(({ card: _, ...item }) => item));
const names = (report: SyncReport): string[] => report.schema.map(({ name }) => name);
const coded = (report: SyncReport, code: string): string[] =>
  report.warnings.filter((warning) => warning.code === code).map(({ text }) => text);

describe.each(FORMATS)('%s: what a table was made with', (format) => {
  let first: WrittenExport;
  let second: WrittenExport;
  let target: string;

  const bare = (change: Change = {}) => optionsWith({ ...change, schema: { key: [], ...change.schema } });
  const made = {
    partition: parsePartition('day(at), region'),
    sort: parseSort('pk desc'),
    schema: { key: ['pk'], exclude: ['card'], numbers: 'string' as const, timestamps: 'off' as const },
  };
  const told = async () => {
    const table = await inspect(target, optionsWith(), quiet());
    if (table.kind !== 'table') throw new Error('no table');
    const { key, partition, sort, options } = table;
    return { key, partition, sort, options };
  };

  beforeEach(async () => {
    first = await exportOf([FIRST]);
    second = await exportOf([SECOND], LATER);
    target = `${format}:${join(first.dir, 'table')}`;
  });

  test('stays when --replace names none of it', async () => {
    await load(first.exportDir, target, bare(made));
    const before = await told();
    expect(before).toEqual({
      key: ['pk'],
      partition: ['day(at_ts)', 'region'],
      sort: ['pk desc nulls last'],
      options: { exclude: ['card'], numbers: 'string' },
    });
    const report = await load(second.exportDir, target, bare({ replace: true }));
    expect(report.outcome).toBe('committed');
    expect(await told()).toEqual(before);
    // What the first load was told to drop does not come in by the second.
    expect(await catItems(target, bare())).toEqual(withoutCard(SECOND));
    expect(names(report)).not.toContain('card');
    expect(report.schema.find(({ name }) => name === 'n')?.type).toBe('string (number)');
    expect(report.warnings.map(({ code }) => code)).not.toContain('option-changed');
  });

  test('changes where --replace says so, and the report tells each change', async () => {
    await load(first.exportDir, target, bare(made));
    const change = {
      given: ['sort', 'numbers'] as const,
      replace: true,
      partition: parsePartition('region'),
      schema: { key: ['region'], include: ['region', 'pk'], exclude: ['n'] },
    };
    const report = await load(second.exportDir, target, bare(change));
    expect(coded(report, 'option-changed')).toEqual([
      '--key changes from pk to region.',
      '--partition changes from day(at_ts), region to region.',
      '--sort changes from pk desc nulls last to none.',
      '--numbers changes from string to exact.',
      '--include changes from all attributes to pk, region.',
      '--exclude changes from card to n.',
    ]);
    expect(await told()).toEqual({
      key: ['region'],
      partition: ['region'],
      sort: [],
      options: { include: ['region', 'pk'], exclude: ['n'] },
    });
  });

  test('the same export with other options is unchanged and says which; with --replace they are applied, once', async () => {
    await load(first.exportDir, target, bare(made));
    const other = { partition: parsePartition('day(at)'), schema: { key: ['pk'], maxColumns: 10 } };
    const unchanged = await load(first.exportDir, target, bare(other));
    expect(unchanged.outcome).toBe('unchanged');
    expect(coded(unchanged, 'options-differ')).toEqual([
      'The table was made with other options: --partition was day(at_ts), region and is now day(at_ts); ' +
        '--max-columns was 500 and is now 10. --replace applies them.',
    ]);
    const replaced = await load(first.exportDir, target, bare({ ...other, replace: true }));
    expect(replaced.outcome).toBe('committed');
    expect((await told()).partition).toEqual(['day(at_ts)']);
    expect(await catItems(target, bare())).toEqual(withoutCard(FIRST));
    const again = await load(first.exportDir, target, bare({ ...other, replace: true }));
    expect(again).toMatchObject({ outcome: 'unchanged', snapshot: replaced.snapshot });
    expect(again.warnings).toEqual([]);
    expect((await load(first.exportDir, target, bare({ ...made, schema: {} }))).outcome).toBe('unchanged');
  });

  test('a schema file: its columns stay without it, another one is told, and none takes all attributes again', async () => {
    const yaml = join(first.dir, 'schema.yaml');
    await writeFile(yaml, 'version: 1\nkey: [pk]\ncolumns: {pk: string, n: long}\n');
    await load(first.exportDir, target, bare({ schemaFile: yaml }));
    const kept = await load(second.exportDir, target, bare({ replace: true }));
    expect(names(kept)).toEqual(['pk', 'n', '_rescued', '_written_at']);
    expect(await catItems(target, bare())).toEqual(canonicalItems(SECOND));
    expect((await load(second.exportDir, target, bare({ schemaFile: yaml }))).warnings).toEqual([]);
    await writeFile(yaml, 'version: 1\nkey: [pk]\ncolumns: {pk: string, n: long, at: string}\n');
    const other = await load(second.exportDir, target, bare({ schemaFile: yaml }));
    expect(coded(other, 'options-differ')).toEqual([
      'The table was made with other options: --schema was a schema file and is now another schema file. ' +
        '--replace applies them.',
    ]);
    const none = await load(second.exportDir, target, bare({ given: ['schema'], replace: true }));
    expect(coded(none, 'option-changed')).toEqual(['--schema changes from a schema file to none.']);
    expect(names(none)).toEqual(['pk', 'n', 'at', 'card', 'more', 'region', '_rescued', '_written_at'].sort(byKey));
    expect((await told()).options).toEqual({});
  });

  test('an attribute that the table was told to drop cannot be named beside', async () => {
    await load(first.exportDir, target, bare(made));
    const report = await sync(
      second.exportDir,
      target,
      bare({ replace: true, schema: { include: ['card'] } }),
      quiet(),
    );
    expect(report.error).toMatchObject({
      code: 'USAGE',
      place: '--exclude',
      hint: 'Give --exclude as it shall be from now on, or --no-exclude.',
    });
  });

  test('long lists of names are kept whole', async () => {
    const exclude = Array.from({ length: 400 }, (_, index) => `attribute number ${index} é`);
    await load(first.exportDir, target, bare({ schema: { key: ['pk'], exclude } }));
    expect((await told()).options['exclude']).toEqual(exclude);
    await load(second.exportDir, target, bare({ replace: true }));
    expect((await told()).options['exclude']).toEqual(exclude);
  });
});

describe.each(FORMATS)('%s: a window', (format) => {
  const AT = 1_772_366_400_000_000n;
  const NEW = {
    pk: { S: 'n' },
    region: { S: 'eu' },
    at: { S: '2026-03-03T12:00:00Z' },
    n: { N: '7' },
    more: { S: 'x' },
  };
  const made = {
    partition: parsePartition('region'),
    sort: parseSort('pk desc'),
    schema: { key: ['pk'], include: ['region', 'at'], numbers: 'string' as const, maxColumns: 7 },
  };
  const bare = (change: Change = {}) => optionsWith({ ...change, schema: { key: [], ...change.schema } });
  const windowOf = (dir: string) =>
    writeWindow(dir, {
      changes: [{ at: AT, keys: { pk: { S: 'n' } }, new: NEW }],
      from: '2026-02-28T12:00:00Z',
      to: '2026-03-01T12:15:00Z',
    });

  async function table(options: SyncOptions) {
    const first = await exportOf([FIRST], { exportTime: '2026-03-01T12:00:00.000Z' });
    const target = `${format}:${join(first.dir, 'table')}`;
    await load(first.exportDir, target, options);
    const window = await windowOf(join(first.dir, 'window'));
    const told = async () => {
      const report = await inspect(target, bare(), quiet());
      if (report.kind !== 'table') throw new Error('no table');
      const { key, partition, sort, options: kept, schema } = report;
      return { key, partition, sort, kept, columns: schema.map(({ name, type }) => `${name} ${type}`) };
    };
    return { target, window: window.exportDir, told };
  }

  test('follows what the table was made with, and says so, whatever else is given', async () => {
    const { target, window, told } = await table(bare(made));
    const before = await told();
    const other = {
      given: ['numbers', 'include'] as const,
      partition: parsePartition('bucket(4, pk)'),
      sort: parseSort('region'),
      schema: { key: ['pk'], timestamps: 'auto' as const, maxColumns: 9, maxDepth: 3, onMixed: 'split' as const },
    };
    const report = await load(window, target, bare(other));
    expect(report.outcome).toBe('committed');
    expect(coded(report, 'option-changed')).toEqual([]);
    expect(coded(report, 'options-differ')).toEqual([
      'The table was made with other options: --partition was region and is now bucket(4, pk); ' +
        '--sort was pk desc nulls last and is now region nulls first; --timestamps was off and is now auto; ' +
        '--on-mixed was rescue and is now split; --numbers was string and is now exact; --max-columns was 7 and is now 9; ' +
        '--max-depth was 10 and is now 3; --include was at, region and is now all attributes. ' +
        'Windows follow what the table was made with; a full export with --replace applies the others.',
    ]);
    expect(await told()).toEqual(before);
    expect(await catItems(target, bare())).toEqual(canonicalItems([...FIRST, NEW]));
  });

  test.each([
    ['--key', bare({ schema: { key: ['region'] } }), 'pk', 'region'],
    ['--exclude', bare({ schema: { exclude: ['card'] } }), 'none', 'card'],
  ])('is refused with another %s', async (flag, options, expected, found) => {
    const { target, window } = await table(bare(made));
    const report = await sync(window, target, options, quiet());
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'USAGE', expected, found } });
    expect(report.error?.place).toContain(flag);
    expect(await sync(window, target, { ...options, dryRun: true }, quiet())).toMatchObject({
      error: { code: 'USAGE' },
    });
    expect(await catItems(target, bare())).toEqual(canonicalItems(FIRST));
  });

  test.each(['soft', 'history'] as const)('is refused with mode %s', async (mode) => {
    const { target, window } = await table(bare(made));
    const report = await sync(window, target, bare({ mode }), quiet());
    expect(report.error).toMatchObject({ code: 'LEDGER_REFUSED', expected: 'mode mirror', found: `mode ${mode}` });
  });

  test('settles a key that nobody knew', async () => {
    const { target, window, told } = await table(bare());
    expect((await told()).key).toEqual([]);
    const report = await load(window, target, bare({ schema: { key: ['pk'] } }));
    expect(coded(report, 'option-changed')).toEqual(['--key changes from unknown to pk.']);
    expect(coded(report, 'options-differ')).toEqual([]);
    expect((await told()).key).toEqual(['pk']);
    expect(await catItems(target, bare())).toEqual(canonicalItems([...FIRST, NEW]));
  });
});

/** The key first, system columns last. */
function byKey(a: string, b: string): number {
  const rank = (name: string) => (name === 'pk' ? 0 : name.startsWith('_') ? 2 : 1);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}
