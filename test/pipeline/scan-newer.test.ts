import { expect, test } from 'vitest';
import type { LedgerEntry, TableState } from '../../src/model/table.ts';
import { refuseNewer } from '../../src/pipeline/scan/mode.ts';

// Items have no versions: they must not come over what was read later than the scan began.

const FROM = '2026-03-01T10:00:00.500Z';
const table = (...entries: readonly object[]): TableState =>
  ({ location: 'file:///t', ledger: { entries: entries as LedgerEntry[] } }) as unknown as TableState;
const own = { kind: 'scan', exportArn: 'arn/scan/own', to: '2026-03-01T12:00:00Z' };

test.each([
  ['a full export', { kind: 'full-export', exportArn: 'a', exportTime: '2026-03-01T10:00:01Z' }],
  ['a window', { kind: 'window', exportArn: 'b', from: '2026-03-01T09:00:00Z', to: '2026-03-01T10:00:01Z' }],
  ['another scan', { kind: 'scan', exportArn: 'c', from: '2026-03-01T09:00:00Z', to: '2026-03-01T10:00:01Z' }],
])('%s that reaches behind the scan’s begin refuses it', (_, newer) => {
  const entry = { exportArn: own.exportArn, from: FROM };
  expect(() => refuseNewer(table(own, newer), entry)).toThrow(expect.objectContaining({ code: 'LEDGER_REFUSED' }));
  expect(() => refuseNewer(table(own), entry)).not.toThrow();
  const older = { ...newer, to: '2026-03-01T10:00:00Z', exportTime: '2026-03-01T10:00:00Z' };
  expect(() => refuseNewer(table(own, older), entry)).not.toThrow();
  expect(() => refuseNewer(undefined, entry)).not.toThrow();
});
