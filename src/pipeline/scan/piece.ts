/**
 * One piece of a scan in one commit: its rows, and the places behind which the scan goes on. Invariants:
 * - rows and places are of the same moment, and in the same commit;
 * - each attempt to commit a piece that was read has its own id: what a killed run had read of a piece is read again, and
 *   may be others, so a late commit of the one must never be taken for the other's.
 */
import { randomBytes } from 'node:crypto';
import type { DescribedTable } from '../../dynamodb/describe.ts';
import { JOIN_BY_THE_WAY } from '../../maintain/metadata.ts';
import { TailraceError } from '../../model/errors.ts';
import { scanName, withScan } from '../../model/scan-ledger.ts';
import type { StreamPosition } from '../../model/stream-position.ts';
import type { ScanEntry, StagedCommit, TableState } from '../../model/table.ts';
import type { EndedPiece } from '../../source/scan/scan.ts';
import type { Piece } from '../../source/scan/spool.ts';
import { discard } from '../../storage/remove.ts';
import type { Kept } from '../ends/keep.ts';
import { heldBy } from '../learn/basis.ts';
import { conflict, tryCommit } from '../load/commit.ts';
import type { LoadResult } from '../load/load.ts';
import { ledgerTable, loadIdOf, type RunParts, removeJournal } from '../load/parts.ts';
import { type PreparedLoad, prepareLoad } from '../load/prepare.ts';
import type { Merged } from '../window/merge.ts';
import { exportOf } from './as-export.ts';
import { dropGivenUp } from './given-up.ts';
import { sinceEntry } from './mode.ts';
import { dropPlaces, keepPlaces } from './places.ts';
import type { ScanPlan } from './plan.ts';
import { staysBehind } from './readers.ts';
import { PieceRows, type PlacedRows, type Start } from './rows.ts';

/** Other writers' commits make the commit of a piece begin again on what is there then, so many times. */
const MAX_ATTEMPTS = 5;

export interface PieceInput {
  readonly table: DescribedTable;
  readonly plan: ScanPlan;
  readonly consistent: boolean;
  /** Of the stream that is followed behind the scan. */
  readonly stream?: StreamPosition;
  /** What the table holds of the scan. */
  readonly entry: ScanEntry | undefined;
  readonly piece: Piece;
  /** Resolves behind the piece's last page. */
  readonly ended: () => Promise<EndedPiece>;
  /** Called right before the commit; throws where it must not be made. */
  readonly allowed: () => Promise<void>;
}

/** What the table holds behind the piece. */
export interface AppliedPiece {
  readonly entry: ScanEntry;
  readonly rows: PlacedRows;
  readonly load: PreparedLoad | undefined;
  readonly loaded: LoadResult | undefined;
  readonly ended: EndedPiece;
}

/** Writes the rows of a piece and commits them. Undefined: the scan was stopped before it read anything for it. */
export async function applyPiece(
  parts: RunParts,
  input: PieceInput,
  base: TableState | undefined,
  kept: Kept,
): Promise<AppliedPiece | undefined> {
  const { reporter, target, context } = parts;
  const { piece } = input;
  let start: Start = { base, live: base === undefined ? [] : await target.table.dataFiles() };
  // Where no item came, and none will, there is nothing to load, unless that makes the table.
  const empty = !(await piece.more(0)) && base !== undefined;
  const load = empty ? undefined : await preparePiece(parts, input, start, kept);
  const loaded = await load?.run();
  const ended = await input.ended();
  if (piece.items === 0 && !ended.complete) return undefined;
  const rest = ended.complete ? undefined : await keepPlaces(target, input.plan.runId, ended.places);
  const begun = entryOf(input, base, ended, loaded, rest);
  const commitId = load?.commitId ?? loadIdOf([piece.index, randomBytes(16).toString('hex')]);
  const rows = new PieceRows(parts, {
    ...{ plan: input.plan, entry: begun, complete: ended.complete, load, loaded, kept, commitId },
  });
  for (let attempt = 1; ; attempt += 1) {
    const placed = await reporter.timed('merge', () => rows.place(start, attempt));
    const { merged, entry } = placed;
    const staged = stage(input, start.base, loaded, merged, entry, kept, commitId);
    const more = staysBehind(start, merged, { complete: ended.complete, first: input.entry === undefined });
    await input.allowed();
    const outcome = await reporter.timed('commit', () => tryCommit(target, staged, start.base, context, more));
    if (outcome.kind === 'committed') {
      if (load !== undefined && loaded !== undefined) reporter.window(loaded, merged, load.rejectsDir);
      reporter.bytesRead(piece.bytes);
      reporter.committed(staged, outcome);
      if (load !== undefined) await removeJournal(load.journal, reporter);
      await dropPlaces(target, input.entry?.rest);
      if (input.entry === undefined) await dropGivenUp(target, start.base);
      await rows.done(input.entry?.seen);
      return { entry, ended, rows: placed, load, loaded };
    }
    await discard(target.storage, merged.own);
    const now = await target.table.load();
    const next = now === undefined ? undefined : { base: now, live: await target.table.dataFiles() };
    if (attempt === MAX_ATTEMPTS || next === undefined || !sameForUs(start, next, kept)) {
      await dropPlaces(target, rest);
      await rows.giveUp();
      throw conflict(target, outcome.reason);
    }
    context.log('info', 'another writer committed first; the piece is added to what is there now', { attempt });
    start = next;
  }
}

/** A piece is read as a full export's files are. */
function preparePiece(
  parts: RunParts,
  { table, plan, piece }: PieceInput,
  { base, live }: Start,
  kept: Kept,
): Promise<PreparedLoad> {
  const from = exportOf(table, piece, scanName(table.arn, plan.runId));
  const held = heldBy(base, live, kept.options);
  const id = [base?.ledger?.commitId ?? null, piece.index];
  const since = plan.since === undefined ? {} : { since: plan.since };
  return prepareLoad(parts, from, base, kept, { id, ...held, growing: piece, ...since });
}

function entryOf(
  { table, plan, consistent, stream, entry: before }: PieceInput,
  base: TableState | undefined,
  { fromMs, toMs, places, complete }: EndedPiece,
  loaded: LoadResult | undefined,
  rest: ScanEntry['rest'],
): ScanEntry {
  const filtered = (before?.filtered ?? 0) + (loaded?.filtered ?? 0);
  const since = sinceEntry(plan.since);
  return {
    kind: 'scan',
    exportArn: scanName(table.arn, plan.runId),
    from: before?.from ?? new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    items: (before?.items ?? 0) + (loaded?.read ?? 0),
    rejected: (before?.rejected ?? 0) + (loaded?.rejected ?? 0),
    ...(filtered === 0 ? {} : { filtered }),
    segments: places.segments,
    ...(stream === undefined ? {} : { stream }),
    ...(consistent && (before === undefined || before.consistent === true) ? { consistent: true as const } : {}),
    pieces: (before?.pieces ?? 0) + 1,
    ...(plan.mode === undefined ? {} : { mode: plan.mode, rows: before?.rows ?? base?.rows ?? 0 }),
    ...(since === undefined ? {} : { since }),
    ...(before?.seen === undefined ? {} : { seen: before.seen }),
    ...(before?.partial === undefined ? {} : { partial: before.partial }),
    ...(complete || rest === undefined ? {} : { rest }),
  };
}

function stage(
  { table }: PieceInput,
  base: TableState | undefined,
  loaded: LoadResult | undefined,
  { files, removed, removedDeletes, deletes }: Merged,
  entry: ScanEntry,
  { options, recorded }: Kept,
  commitId: string,
): StagedCommit {
  const layout = loaded?.layout ?? base;
  if (layout === undefined) throw new TailraceError('INTERNAL', 'A piece without items cannot make a table.');
  const { schema, partition, sort } = layout;
  const held = base?.ledger ?? ledgerTable({ tableArn: table.arn, tableId: table.id }, options.mode);
  return {
    operation: base === undefined ? 'create' : 'merge',
    schema,
    partition,
    sort,
    files,
    ...(base === undefined ? {} : { removed, removedDeletes, deletes }),
    ledger: withScan(held, entry, commitId),
    ...(base === undefined || !options.upkeep ? {} : { joinManifests: JOIN_BY_THE_WAY }),
    options: recorded,
    commitId,
    timestampMs: Date.now(),
  };
}

/** Whether another writer has left what the piece was read for as it was: ledger, columns, layout. */
function sameForUs(before: Start, now: Start, { options }: Kept): boolean {
  if (before.base === undefined) return false;
  const own = ({ base, live }: Start): string =>
    JSON.stringify([base?.ledger, heldBy(base, live, options).recorded, base?.partition, base?.sort]);
  return own(before) === own(now);
}
