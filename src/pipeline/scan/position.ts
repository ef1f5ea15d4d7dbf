/**
 * Where a stream is to be read from behind a scan. Invariants:
 * - the place is taken before the scan's first request, and recorded in the commit of its first piece;
 * - a scan that goes on keeps the place with which it began: what it had read before is older than any later one.
 */
import { TailraceError } from '../../model/errors.ts';
import { POSITION_BYTES_MAX, type StreamPosition } from '../../model/stream-position.ts';
import type { PositionSource } from '../../source/port.ts';
import type { ScanPlan } from './plan.ts';

/** The position that the scan is recorded with; undefined: nobody follows a stream behind it. */
export async function takePosition(
  source: PositionSource | undefined,
  { entry }: ScanPlan,
  table: { readonly arn: string; readonly id: string },
  signal: AbortSignal,
): Promise<StreamPosition | undefined> {
  if (entry !== undefined || source === undefined) return entry?.stream;
  const position = await source.take(table, signal);
  const bytes = Buffer.byteLength(JSON.stringify(position));
  if (bytes <= POSITION_BYTES_MAX) return position;
  throw new TailraceError('INTERNAL', 'The position of the stream is too long for the ledger.', {
    place: position.stream,
    expected: `at most ${POSITION_BYTES_MAX} bytes`,
    found: `${bytes} bytes`,
  });
}
