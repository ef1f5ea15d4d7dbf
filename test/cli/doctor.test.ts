import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DoctorReport } from '../../src/model/doctor.ts';
import { onlyDocument, run } from './fake-world.ts';

const REPORT: DoctorReport = {
  outcome: 'failed',
  source: 's3://exports/orders',
  target: 'iceberg:lake.shop.orders',
  checks: [
    { end: 'source', what: 'list s3://exports/orders', state: 'passed' },
    {
      end: 'target',
      what: "change the table's entry in Glue",
      state: 'failed',
      error: { code: 'ACCESS_DENIED', message: 'Glue does not allow us to change the table.', hint: 'Grant it.' },
      denial: {
        principal: 'arn:aws:iam::111122223333:user/AKIAIOSFODNN7EXAMPLE',
        action: 'glue:UpdateTable',
        resource: 'arn:aws:glue:eu-central-1:111122223333:catalog',
        why: 'not granted',
        policy: 'identity-based policy',
      },
    },
    {
      end: 'target',
      what: 'create the database',
      state: 'untried',
      found: 'it cannot be tried without doing it',
      needs: [{ Effect: 'Allow', Action: ['glue:CreateDatabase'], Resource: ['*'] }],
    },
    { end: 'run', what: 'plan the run', state: 'untried', found: 'because of what failed above' },
  ],
  policy: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['glue:UpdateTable'], Resource: ['arn:aws:glue:*:*:catalog'] }],
  },
  left: ['s3://lake/.tailrace-probe-1'],
  timings: { totalMs: 3 },
  warnings: [{ code: 'key-unknown', text: 'The key is unknown.' }],
  error: { code: 'ACCESS_DENIED', message: 'Glue does not allow us to change the table.', hint: 'Grant it.' },
};

const WORDS = ['doctor', 's3://exports/orders', 'iceberg:lake.shop.orders'];

test('says what is missing, what would grant it, and what was left, with the exit code of the first failure', async () => {
  const { code, out, err } = await run(WORDS, { doctor: async () => REPORT });
  expect(code).toBe(6);
  expect(out).toContain('  ok       list s3://exports/orders\n');
  expect(out).toContain(
    'may not glue:UpdateTable on arn:aws:glue:eu-central-1:111122223333:catalog: no identity-based',
  );
  expect(out).toContain('it takes glue:CreateDatabase');
  expect(out).toContain('Not ready: 1 of 4 checks failed; 2 could not be tried');
  expect(out).toContain('"glue:UpdateTable"');
  expect(out).toContain('left s3://lake/.tailrace-probe-1');
  expect(out).toContain('(key-unknown)');
  expect(err).toContain('error ACCESS_DENIED:');
});

test('--json is one document', async () => {
  const { code, out } = await run([...WORDS, '--json'], { doctor: async () => REPORT });
  expect([code, onlyDocument(out)['outcome']]).toEqual([6, 'failed']);
  expect(onlyDocument(out)['policy']).toEqual(REPORT.policy);
});

test('ready exits with 0; --read-only and the options of a run are passed on', async () => {
  const seen: unknown[] = [];
  const { error: _error, policy: _policy, ...rest } = REPORT;
  const ready: DoctorReport = { ...rest, outcome: 'ready', checks: REPORT.checks.slice(0, 1), left: [], warnings: [] };
  const { code, out } = await run([...WORDS, '--read-only', '--create-namespace'], {
    doctor: async (...given) => {
      seen.push(given);
      return ready;
    },
  });
  expect([code, out]).toEqual([0, expect.stringContaining('Ready: 1 check passed')]);
  expect(seen).toMatchObject([[WORDS[1], WORDS[2], { readOnly: true, createNamespace: true }, {}]]);
});

test('without ends, the pipelines of tailrace.yaml; the first failure gives the exit code', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'tailrace-doctor-'));
  try {
    const yaml = 'tables:\n  a: {source: ./a, target: ./ta, partition: pk}\n  b: {source: ./b, target: ./tb}\n';
    await writeFile(join(cwd, 'tailrace.yaml'), yaml);
    const seen: unknown[] = [];
    const doctor = async (source: string, target: string, options: { readonly partition: unknown }) => {
      seen.push([source, target, options.partition]);
      const { error: _, policy: _policy, ...ready } = REPORT;
      return source === './b' ? REPORT : { ...ready, outcome: 'ready' as const, left: [] };
    };
    const { code, out } = await run(['doctor', '--json'], { doctor }, { cwd });
    expect([code, onlyDocument(out)]).toMatchObject([
      6,
      {
        outcome: 'failed',
        tables: [
          { table: 'a', outcome: 'ready' },
          { table: 'b', outcome: 'failed' },
        ],
      },
    ]);
    expect(seen).toMatchObject([
      [expect.stringContaining('a'), expect.stringContaining('ta'), [{ column: 'pk' }]],
      [expect.stringContaining('b'), expect.stringContaining('tb'), []],
    ]);
    const one = await run(['doctor', '--table', 'a'], { doctor }, { cwd });
    expect([one.code, one.out]).toEqual([0, expect.stringContaining('[a]')]);
    expect((await run(['doctor', './a', '--json'], { doctor }, { cwd })).code).toBe(2);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
