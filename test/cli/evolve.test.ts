import { expect, test } from 'vitest';
import type { EvolveReport } from '../../src/model/report.ts';
import { onlyDocument, run } from './fake-world.ts';

const column = (name: string, type: string, id: number) => ({ name, attribute: 'price', tag: 'N', type, id });
const REPORT: EvolveReport = {
  outcome: 'committed',
  target: './t',
  format: 'iceberg',
  snapshot: '42',
  columns: [
    {
      attribute: 'price',
      change: 'retyped',
      before: column('price', 'long', 3),
      after: column('price', 'decimal(18,2)', 9),
    },
    {
      attribute: 'p',
      change: 'grown',
      before: column('p', 'decimal(18,4)', 4),
      after: column('p', 'decimal(38,4)', 4),
    },
    { attribute: 'q', change: 'renamed', before: column('q', 'long', 5), after: column('q_n', 'long', 5) },
    { attribute: 'q', change: 'added', after: column('q_s', 'string', 10) },
    { attribute: 'r', change: 'removed', before: column('r', 'string', 6) },
    { attribute: 's', change: 'kept', before: column('s', 'string', 7), after: column('s', 'string', 7) },
  ],
  values: { moved: 1500, rescued: 1, left: 2 },
  files: { total: 6, rewritten: 5, bytes: 3e6, written: 4, bytesWritten: 2e6 },
  timings: { totalMs: 1200 },
  peakMemoryBytes: 1e8,
  warnings: [],
};

function library(report: EvolveReport = REPORT) {
  const seen: unknown[] = [];
  const evolveSchema = async (...call: unknown[]): Promise<EvolveReport> => {
    seen.push(call.slice(0, 3));
    return report;
  };
  return { seen, evolveSchema };
}

test('tells each column, what becomes of values, and which files are written anew', async () => {
  const { evolveSchema } = library();
  const { code, out } = await run(['schema', 'evolve', './t', '--column', 'price', '--type', 'decimal(18,2)'], {
    evolveSchema,
  });
  expect(code).toBe(0);
  expect(out.replaceAll(/ +/g, ' ')).toBe(`Changed columns of ./t (snapshot 42) in 1.2 s; no item has changed
 column price long → decimal(18,2)
 column p decimal(18,4) → decimal(38,4) (in place)
 column q → q_n
 column q_s string (new)
 column r string (gone)
 values 1,500 values out of _rescued
 values 1 value into _rescued
 values 2 values still in _rescued
 files 5 of 6 data files (3.00 MB) became 4 (2.00 MB)
`);
});

test('a plan says what would be written anew', async () => {
  const { evolveSchema } = library({
    ...REPORT,
    outcome: 'planned',
    columns: [],
    files: { total: 6, rewritten: 5, bytes: 3e6 },
  });
  const { out } = await run(['schema', 'evolve', './t', '--column', 'p', '--split', '--dry-run'], { evolveSchema });
  expect(out).toContain('Planned');
  expect(out).toContain('5 of 6 data files (3.00 MB) to be written anew');
  const none = library({ ...REPORT, outcome: 'planned', files: { total: 6, rewritten: 0, bytes: 0 } });
  const { out: metadata } = await run(['schema', 'evolve', './t', '--unrescue', '--dry-run'], none);
  expect(metadata).toContain('none of 6 to be written anew');
});

test('hands on what is to change', async () => {
  const { seen, evolveSchema } = library();
  const verb = async (...flags: string[]) => run(['schema', 'evolve', './t', ...flags], { evolveSchema });
  await verb('--column', 'a,b', '--type', 'decimal(18,2)');
  await verb('--column', 'a', '--column', 'b', '--type', 'long');
  await verb('--column', 'a', '--column', 'b', '--type', 'long', '--type', 'string', '--allow-rescue', '--dry-run');
  await verb('--column', 'a', '--split');
  await verb('--column', 'a', '--unrescue');
  await verb('--unrescue');
  expect(seen).toMatchObject([
    ['./t', [{ column: 'a,b', type: 'decimal(18,2)' }], { allowRescue: false, dryRun: false }],
    [
      './t',
      [
        { column: 'a', type: 'long' },
        { column: 'b', type: 'long' },
      ],
      {},
    ],
    [
      './t',
      [
        { column: 'a', type: 'long' },
        { column: 'b', type: 'string' },
      ],
      { allowRescue: true, dryRun: true },
    ],
    ['./t', [{ column: 'a', split: true }], {}],
    ['./t', [{ column: 'a', unrescue: true }], {}],
    ['./t', [{ unrescue: true }], {}],
  ]);
});

test.each([
  [[], 'one of --type, --split and --unrescue'],
  [['--column', 'a'], 'one of --type, --split and --unrescue'],
  [['--column', 'a', '--split', '--type', 'long'], 'one of --type, --split and --unrescue'],
  [['--type', 'long'], '--column NAME'],
  [['--split'], '--column NAME'],
  [['--column', 'a', '--type', 'long', '--type', 'string'], 'one --type for all columns'],
  [['--column', '', '--split'], 'text'],
])('%j is refused', async (flags, expected) => {
  const { seen, evolveSchema } = library();
  const { code, err } = await run(['schema', 'evolve', './t', ...flags], { evolveSchema });
  expect([code, seen]).toEqual([2, []]);
  expect(err).toContain(expected);
});

test('a failure is in the one document, on stderr, and in the exit code', async () => {
  const error = { code: 'SCHEMA_DRIFT', message: '2 values of “n” would not fit the new type.' } as const;
  const { evolveSchema } = library({ ...REPORT, outcome: 'failed', error });
  const { code, out, err } = await run(['schema', 'evolve', './t', '--column', 'n', '--type', 'long', '--json'], {
    evolveSchema,
  });
  expect(code).toBe(3);
  expect(onlyDocument(out)).toMatchObject({ outcome: 'failed', error: { code: 'SCHEMA_DRIFT' } });
  expect(err).toContain('error SCHEMA_DRIFT');
});
