/**
 * One piece of a scan in one commit: its rows, and the places behind which the scan goes on. Invariants:
 * - rows and places are of the same moment, and in the same commit;
 * - each attempt to commit a piece that was read has its own id: what a killed run had read of a piece is read again, and
 *   may be others, so a late commit of the one must never be taken for the other's.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DescribedTable } from '../dynamodb/describe.ts';
import { JOIN_BY_THE_WAY } from '../maintain/metadata.ts';
import { TailraceError } from '../model/errors.ts';
import { scanName, withScan } from '../model/scan-ledger.ts';
import type { LiveFile, ScanEntry, StagedCommit, TableState } from '../model/table.ts';
import { heldDigits } from '../schema/held.ts';
import type { FullExport } from '../source/port.ts';
import type { EndedPiece } from '../source/scan/scan.ts';
import type { Piece } from '../source/scan/spool.ts';
import { discard } from '../storage/remove.ts';
import { conflict, tryCommit } from './commit.ts';
import type { Kept } from './keep.ts';
import type { LoadResult } from './load.ts';
import { type Merged, mergeChanges } from './merge.ts';
import { keepOneFile } from './no-rows.ts';
import { ledgerTable, loadIdOf, type RunParts, removeJournal } from './parts.ts';
import { type PreparedLoad, prepareLoad } from './prepare.ts';
import { dropPlaces, keepPlaces } from './scan-places.ts';

/** Other writers' commits make the commit of a piece begin again on what is there then, so many times. */
const MAX_ATTEMPTS = 5;

export interface PieceInput {
  readonly table: DescribedTable;
  readonly runId: string;
  readonly consistent: boolean;
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
  readonly ended: EndedPiece;
}

interface Start {
  readonly base: TableState | undefined;
  readonly live: readonly LiveFile[];
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
  const rest = ended.complete ? undefined : await keepPlaces(target, input.runId, ended.places);
  const entry = entryOf(input, ended, loaded, rest);
  const commitId = load?.commitId ?? loadIdOf([piece.index, randomBytes(16).toString('hex')]);
  for (let attempt = 1; ; attempt += 1) {
    const merged =
      load === undefined || loaded === undefined
        ? NOTHING
        : await reporter.timed('merge', () => append(parts, load, loaded, start, attempt));
    const staged = stage(input, start.base, loaded, merged, entry, kept, commitId);
    await input.allowed();
    const outcome = await reporter.timed('commit', () => tryCommit(target, staged, start.base, context));
    if (outcome.kind === 'committed') {
      if (load !== undefined && loaded !== undefined) reporter.window(loaded, merged, load.rejectsDir);
      reporter.bytesRead(piece.bytes);
      reporter.committed(staged, outcome);
      if (load !== undefined) await removeJournal(load.journal, reporter);
      await dropPlaces(target, input.entry?.rest);
      return { entry, ended };
    }
    await discard(target.storage, merged.own);
    const now = await target.table.load();
    if (attempt === MAX_ATTEMPTS || now === undefined || !sameForUs(start.base, now)) {
      await dropPlaces(target, rest);
      throw conflict(target, outcome.reason);
    }
    context.log('info', 'another writer committed first; the piece is added to what is there now', { attempt });
    start = { base: now, live: await target.table.dataFiles() };
  }
}

const NOTHING: Merged = {
  files: [],
  removed: [],
  removedDeletes: [],
  deletes: [],
  counts: { written: 0, deleted: 0, unchanged: 0 },
  own: [],
};

/** A piece is read as a full export's files are. */
function preparePiece(
  parts: RunParts,
  { table, runId, piece }: PieceInput,
  { base, live }: Start,
  kept: Kept,
): Promise<PreparedLoad> {
  const from: FullExport = {
    kind: 'full',
    exportArn: scanName(table.arn, runId),
    tableArn: table.arn,
    tableId: table.id,
    tableName: table.name,
    format: 'DYNAMODB_JSON',
    exportTime: new Date().toISOString(),
    trusted: false,
    digest: randomBytes(16).toString('hex'),
    warnings: [],
    uri: `dynamodb:${table.named}`,
    get itemCount() {
      return piece.items;
    },
    get files() {
      return piece.files.map(({ source }) => source);
    },
  };
  const held = base === undefined ? {} : { held: heldDigits(base.schema, live) };
  const id = [base?.ledger?.commitId ?? null, piece.index];
  return prepareLoad(parts, from, base, kept, { id, ...held, growing: piece });
}

/** The rows of the piece beside those of the table; where a column has become another one, those are written anew. */
async function append(
  parts: RunParts,
  load: PreparedLoad,
  loaded: LoadResult,
  { base, live }: Start,
  attempt: number,
): Promise<Merged> {
  const { target, duck, workDir, context } = parts;
  const { options, commitId, runId } = load;
  const attemptId = `${runId}-${attempt}`;
  const own = { duck, target, commitId, workDir: join(workDir, `merge-${attemptId}`), context };
  const merged = await mergeChanges({
    ...own,
    base,
    live,
    layout: loaded.layout,
    puts: loaded.files,
    deletes: [],
    appends: loaded.read - loaded.rejected - loaded.filtered,
    soft: false,
    options,
    attemptId,
  });
  if (target.table.format !== 'parquet') return merged;
  const { storage, table } = target;
  return keepOneFile(merged, live, loaded.layout, { ...own, target: storage, table, runId: attemptId });
}

function entryOf(
  { table, runId, consistent, entry: before }: PieceInput,
  { fromMs, toMs, places, complete }: EndedPiece,
  loaded: LoadResult | undefined,
  rest: ScanEntry['rest'],
): ScanEntry {
  const filtered = (before?.filtered ?? 0) + (loaded?.filtered ?? 0);
  return {
    kind: 'scan',
    exportArn: scanName(table.arn, runId),
    from: before?.from ?? new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    items: (before?.items ?? 0) + (loaded?.read ?? 0),
    rejected: (before?.rejected ?? 0) + (loaded?.rejected ?? 0),
    ...(filtered === 0 ? {} : { filtered }),
    segments: places.segments,
    ...(consistent && (before === undefined || before.consistent === true) ? { consistent: true as const } : {}),
    pieces: (before?.pieces ?? 0) + 1,
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
function sameForUs(base: TableState | undefined, now: TableState): boolean {
  if (base === undefined) return false;
  const own = ({ ledger, schema, partition, sort }: TableState): string =>
    JSON.stringify([ledger, schema, partition, sort]);
  return own(base) === own(now);
}
