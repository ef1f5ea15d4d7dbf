import { join } from 'node:path';
import { JOIN_BY_THE_WAY } from '../../maintain/metadata.ts';
import { TailraceError } from '../../model/errors.ts';
import { withWindow } from '../../model/ledger.ts';
import type { Ledger, LiveFile, StagedCommit, TableState, TimeRange, WindowEntry } from '../../model/table.ts';
import type { IncrementalExport } from '../../source/port.ts';
import { discard } from '../../storage/remove.ts';
import type { ChainStep } from '../chain/chain.ts';
import type { Kept } from '../ends/keep.ts';
import { fetchWhole } from '../files/fetched.ts';
import { heldBy } from '../learn/basis.ts';
import { conflict, tryCommit } from '../load/commit.ts';
import type { LoadResult } from '../load/load.ts';
import { keepOneFile } from '../load/no-rows.ts';
import { ledgerTable, type RunParts, removeJournal } from '../load/parts.ts';
import { type PreparedLoad, prepareLoad } from '../load/prepare.ts';
import { type Merged, mergeChanges } from './merge.ts';

/** Another writer's commit makes a merge begin again on what is there then; a table that is never still is left alone. */
const MAX_ATTEMPTS = 5;

/** A window, and how it links to what the table holds. */
export type WindowStep = Pick<ChainStep, 'gapBefore' | 'withinMinute'> & {
  readonly export: IncrementalExport;
  /** Another one follows in the same run. */
  readonly more?: boolean;
};

/** A state of the table that a window is applied to, with its files. */
interface Start {
  readonly base: TableState | undefined;
  readonly live: readonly LiveFile[];
}

/**
 * Applies one window in one commit: reads its lines into files, matches them with the table as it is, and commits both
 * with the ledger that holds the window. When another writer commits first, the match is made again.
 */
export async function applyWindow(
  parts: RunParts,
  step: WindowStep,
  base: TableState | undefined,
  keep: (base: TableState | undefined) => Kept,
): Promise<void> {
  const { target, context, reporter } = parts;
  reporter.export(step.export);
  let start = await startAt(parts, base);
  let read = await readWindow(parts, step.export, start, keep(base));
  for (let attempt = 1; ; attempt += 1) {
    const { journal, loaded, commitId } = read;
    const merged = await reporter.timed('merge', () => merge(parts, read, start, attempt));
    const staged = stage(step, start.base, read, merged);
    const outcome = await reporter.timed('commit', () => tryCommit(target, staged, start.base, context, step.more));
    if (outcome.kind === 'committed') {
      reporter.window(loaded, merged, read.rejectsDir);
      tellOverlap(parts, read, start, merged);
      reporter.committed(staged, outcome);
      await removeJournal(journal, reporter);
      return;
    }
    await discard(target.storage, merged.own);
    if (attempt === MAX_ATTEMPTS) throw conflict(target, outcome.reason);
    context.log('info', 'another writer committed first; the window is matched again', { reason: outcome.reason });
    const [former, now] = [start.base, await target.table.load()];
    if (now === undefined || !holdsTheSame(now, former)) throw conflict(target, outcome.reason);
    start = await startAt(parts, now);
    if (former !== undefined && sameShape(former, now) && readAlike(read, start)) continue;
    context.log('info', 'schema or layout changed; the window is read again');
    read = await readWindow(parts, step.export, start, keep(now));
    // Nobody goes on with what was read by the former schema. Its files stay: another run may have had them from the journal.
    if (read.commitId !== commitId) await removeJournal(journal, reporter);
  }
}

/** Whether the ledgers say the same of the source, although a change of columns on request writes its own. */
function holdsTheSame(a: TableState, b: TableState | undefined): boolean {
  const plain = ({ ledger }: Partial<TableState>): string => JSON.stringify({ ...ledger, commitId: '' });
  return plain(a) === plain(b ?? {});
}

async function startAt({ target }: RunParts, base: TableState | undefined): Promise<Start> {
  return { base, live: base === undefined ? [] : await target.table.dataFiles() };
}

/** Whether what was read for one state is what would be read for the other. */
function sameShape(a: TableState, b: TableState): boolean {
  const shape = ({ schema, partition, sort }: TableState): string => JSON.stringify([schema, partition, sort]);
  return shape(a) === shape(b);
}

/** Whether what another writer has put there leaves columns without values as they are. */
function readAlike({ options, basis }: ReadWindow, { base, live }: Start): boolean {
  return JSON.stringify(heldBy(base, live, options).recorded) === basis;
}

/** What was inserted in the common time, and deleted behind it, is in none of the window's lines. */
function tellOverlap(
  { reporter }: RunParts,
  { export: { uri, from, to }, loaded, options }: ReadWindow,
  { base }: Start,
  { lapsed = 0 }: Merged,
): void {
  if (overlapped(base?.ledger, { from, to }).length === 0) return;
  const rows = lapsed === 1 ? 'One row' : `${lapsed} rows`;
  const doubt =
    options.mode === 'history'
      ? 'the table does not tell of that delete'
      : loaded.rejected > 0
        ? 'it stays in the table, since lines that could not be loaded may tell of it'
        : undefined;
  const text =
    doubt === undefined
      ? lapsed === 0
        ? undefined
        : `${rows} of that time left the table, because none of its lines tells of them any more.`
      : `Of an item that was inserted in that time and deleted behind it no line tells: ${doubt}.`;
  if (text !== undefined)
    reporter.warn('window-overlap', `The window ${uri} (${from} to ${to}) covers a time once more. ${text}`);
}

/** The times of windows before this one that it covers once more. */
function overlapped(ledger: Ledger | undefined, { from, to }: TimeRange): readonly TimeRange[] {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  return (ledger?.covered ?? []).filter((range) => Date.parse(range.to) > first && Date.parse(range.from) < last);
}

/** What a window's lines came to, on a state of the table. */
interface ReadWindow extends Omit<PreparedLoad, 'learner' | 'run'> {
  readonly export: IncrementalExport;
  readonly loaded: LoadResult;
  readonly recorded: Kept['recorded'];
  /** The schema that it was read by, as JSON. */
  readonly basis: string | undefined;
}

/** Reads the window's lines into data files at the target, and the keys of deletes into the journal. */
async function readWindow(
  parts: RunParts,
  from: IncrementalExport,
  { base, live }: Start,
  kept: Kept,
): Promise<ReadWindow> {
  // Not the snapshot: what another writer does between our commits does not change what the lines come to.
  const held = heldBy(base, live, kept.options);
  const id = [base?.ledger?.commitId ?? null, held.recorded ?? null, kept.options.onDrift];
  const { run, learner: _, ...names } = await prepareLoad(parts, from, base, kept, { id, ...held });
  return { ...names, export: from, loaded: await run(), recorded: kept.recorded, basis: JSON.stringify(held.recorded) };
}

async function merge(parts: RunParts, read: ReadWindow, { base, live }: Start, attempt: number): Promise<Merged> {
  const { loaded, options, commitId, runId } = read;
  const { files: puts } = loaded;
  const { mode } = options;
  const { target, duck, workDir, context } = parts;
  const changes = loaded.read - loaded.rejected;
  // Without a match, every change is a row of its own.
  const seen = overlapped(base?.ledger, read.export);
  const sure = seen.length > 0 && loaded.rejected === 0 && loaded.layout.schema.keys.length > 0;
  const appends = mode === 'history' || (changes === 0 && !sure);
  if (!appends && loaded.layout.schema.keys.length === 0) throw keyUnknown(target.table.location);
  const attemptId = `${runId}-${attempt}`;
  const merged = await mergeChanges({
    duck,
    target,
    base,
    live,
    layout: loaded.layout,
    filters: loaded.layout.projection.filter !== undefined,
    puts,
    deletes: appends ? [] : await localDeletes(parts, read),
    ...(appends ? { appends: changes, seen } : {}),
    ...(!appends && sure ? { lapsed: { from: read.export.from, to: read.export.to } } : {}),
    soft: mode === 'soft',
    options,
    commitId,
    attemptId,
    workDir: join(workDir, `merge-${attemptId}`),
    context,
  });
  if (target.table.format !== 'parquet') return merged;
  const { storage, table } = target;
  return keepOneFile(merged, live, loaded.layout, {
    duck,
    target: storage,
    table,
    commitId,
    runId: attemptId,
    workDir,
    context,
  });
}

/** The keys of deletes lie in the journal, which may be far away. */
async function localDeletes(
  { target, context, workDir }: RunParts,
  { loaded: { deletes }, options, runId }: ReadWindow,
): Promise<string[]> {
  const dir = join(workDir, `deletes-${runId}`);
  const placeOf = await fetchWhole(target.storage, deletes, dir, options.tempBudgetBytes, context.signal);
  return deletes.map(({ path }) => placeOf(path));
}

function stage(
  { export: from, gapBefore, withinMinute }: WindowStep,
  base: TableState | undefined,
  { loaded, commitId, options, recorded }: ReadWindow,
  { files, removed, removedDeletes, deletes }: Merged,
): StagedCommit {
  const entry: WindowEntry = {
    kind: 'window',
    exportArn: from.exportArn,
    from: from.from,
    to: from.to,
    items: loaded.read,
    rejected: loaded.rejected,
    ...(from.trusted ? { trustedManifest: true as const } : {}),
    ...(withinMinute === undefined ? {} : { withinMinute }),
  };
  const { schema, partition, sort } = loaded.layout;
  const held = base?.ledger ?? ledgerTable(from, options.mode);
  return {
    operation: base === undefined ? 'create' : 'merge',
    schema,
    partition,
    sort,
    files,
    ...(base === undefined ? {} : { removed, removedDeletes, deletes }),
    ledger: withWindow(held, entry, commitId, gapBefore),
    // Cheaper than a commit of its own.
    ...(base === undefined || !options.upkeep ? {} : { joinManifests: JOIN_BY_THE_WAY }),
    options: recorded,
    commitId,
    timestampMs: Date.now(),
  };
}

function keyUnknown(place: string): TailraceError {
  return new TailraceError('USAGE', 'Changes cannot be merged into a table whose key is unknown.', {
    place,
    expected: 'a table with key columns',
    found: 'none',
    hint: 'Name the key with --key; a table that was loaded without one is loaded anew with --replace --key.',
  });
}
