import { expect, test } from 'vitest';
import type { MaintainReport } from '../../src/model/maintain-report.ts';
import { onlyDocument, run } from './fake-world.ts';

const REPORT: MaintainReport = {
  outcome: 'committed',
  target: './t',
  format: 'iceberg',
  snapshot: '42',
  rewritten: { filesBefore: 12, bytesBefore: 3e6, filesAfter: 1, bytesAfter: 2e6, deletedRows: 1500, left: 2 },
  manifestsJoined: true,
  retired: { files: 3, bytes: 4000 },
  expired: { snapshots: 5, files: 9 },
  swept: { files: 1, bytes: 10 },
  timings: { totalMs: 1200 },
  peakMemoryBytes: 1e8,
  warnings: [],
};

test('maintain hands on its flags, with ages where none is named', async () => {
  const seen: unknown[] = [];
  const maintain = async (target: string, options: object): Promise<MaintainReport> => {
    seen.push([target, options]);
    return REPORT;
  };
  const { code, out } = await run(['maintain', './t', '--sweep-orphans', '--expire-snapshots', '36h'], { maintain });
  expect(code).toBe(0);
  expect(out.replaceAll(/ +/g, ' ')).toBe(`Maintained ./t (snapshot 42) in 1.2 s; no row has changed
 files 12 data files (3.00 MB) became 1 (2.00 MB), without 1,500 deleted rows; 2 left: they do not fit the temporary budget
 manifests joined
 metadata 3 former files (4.00 kB) removed
 expired 5 snapshots, with 9 files
 swept 1 file (10 B) that nothing named
`);
  await run(['maintain', './t', '--expire-snapshots', '--keep-snapshots', '3', '--dry-run'], { maintain });
  const day = 86_400_000;
  expect(seen).toMatchObject([
    ['./t', { sweepOrphansMs: 3 * day, expireSnapshotsMs: 1.5 * day, dryRun: false }],
    ['./t', { expireSnapshotsMs: 7 * day, keepSnapshots: 3, dryRun: true }],
  ]);
  await run(['maintain', './t'], { maintain });
  expect(seen[2]).not.toMatchObject(['./t', { expireSnapshotsMs: expect.anything() as unknown }]);
});

test('a failure is in the one document, on stderr, and in the exit code', async () => {
  const error = { code: 'TARGET_NOT_FOUND', message: 'No table lies at the target.' } as const;
  const maintain = async (): Promise<MaintainReport> => ({ ...REPORT, outcome: 'failed', error });
  const { code, out, err } = await run(['maintain', './t', '--json'], { maintain });
  expect(code).not.toBe(0);
  expect(onlyDocument(out)).toMatchObject({ outcome: 'failed', error: { code: 'TARGET_NOT_FOUND' } });
  expect(err).toContain('error TARGET_NOT_FOUND');
});
