import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { JOIN_BY_THE_WAY } from '../maintain/metadata.ts';
import { TailraceError } from '../model/errors.ts';
import { withWindow } from '../model/ledger.ts';
import type { SyncOptions } from '../model/options.ts';
import type { StagedCommit, TableState, WindowEntry } from '../model/table.ts';
import { heldDigits } from '../schema/held.ts';
import type { IncrementalExport } from '../source/port.ts';
import { discard } from '../storage/remove.ts';
import type { ChainStep } from './chain.ts';
import { conflict, tryCommit } from './commit.ts';
import { checkKey } from './full.ts';
import { Journal, type KeptDeletes } from './journal.ts';
import type { Kept } from './keep.ts';
import { Learner } from './learner.ts';
import { linesOf } from './lines.ts';
import { Loader, type LoadResult } from './load.ts';
import { type Merged, mergeChanges } from './merge.ts';
import { keepOneFile } from './no-rows.ts';
import { resolveKey } from './open.ts';
import { layoutOptions, ledgerTable, loadIdOf, type RunParts, rejectsDirOf, removeJournal } from './parts.ts';

/** Another writer's commit makes a merge begin again on what is there then; a table that is never still is left alone. */
const MAX_ATTEMPTS = 5;

/** A window, and how it links to what the table holds. */
export type WindowStep = Pick<ChainStep, 'gapBefore' | 'withinMinute'> & { readonly export: IncrementalExport };

/**
 * Applies one window in one commit: reads its lines into files, matches them with the table as it is, and commits both
 * with the ledger that holds the window. When another writer commits first, the match is made again.
 */
export async function applyWindow(
  parts: RunParts,
  step: WindowStep,
  start: TableState | undefined,
  kept: Kept,
): Promise<void> {
  const { target, context, reporter } = parts;
  reporter.export(step.export);
  let base = start;
  let read = await readWindow(parts, step.export, base, kept);
  for (let attempt = 1; ; attempt += 1) {
    const { journal, loaded, commitId } = read;
    const merged = await reporter.timed('merge', () => merge(parts, read, base, attempt));
    const staged = stage(step, base, read, merged, kept);
    const outcome = await reporter.timed('commit', () => tryCommit(target, staged, base, context));
    if (outcome.kind === 'committed') {
      reporter.window(loaded, merged, read.rejectsDir);
      reporter.committed(staged, outcome);
      await removeJournal(journal, reporter);
      return;
    }
    await discard(target.storage, merged.own);
    if (attempt === MAX_ATTEMPTS) throw conflict(target, outcome.reason);
    context.log('info', 'another writer committed first; the window is matched again', { reason: outcome.reason });
    const now = await target.table.load();
    if (now === undefined || !holdsTheSame(now, base)) throw conflict(target, outcome.reason);
    const sameSchema = JSON.stringify(now.schema) === JSON.stringify(base?.schema);
    base = now;
    if (sameSchema) continue;
    context.log('info', 'the schema changed; the window is read again');
    read = await readWindow(parts, step.export, base, kept);
    // Nobody goes on with what was read by the former schema. Its files stay: another run may have had them from the journal.
    if (read.commitId !== commitId) await removeJournal(journal, reporter);
  }
}

/**
 * Whether a window that was meant for one state may go on another: the ledgers say the same of the source, although a
 * change of columns on request writes its own. Columns of a schema file are settled when a run begins.
 */
function holdsTheSame(a: TableState, b: TableState | undefined): boolean {
  const plain = (state: TableState | undefined): string =>
    JSON.stringify([
      state?.ledger === undefined ? null : { ...state.ledger, commitId: '' },
      state?.options?.['schema'],
    ]);
  return plain(a) === plain(b);
}

interface ReadWindow {
  readonly loaded: LoadResult;
  readonly options: SyncOptions;
  readonly journal: Journal;
  readonly commitId: string;
  readonly runId: string;
  readonly rejectsDir: string;
}

/** Reads the window's lines into data files at the target, and the keys of deletes into the journal. */
async function readWindow(
  parts: RunParts,
  from: IncrementalExport,
  base: TableState | undefined,
  kept: Kept,
): Promise<ReadWindow> {
  const { source, target, context, reporter, duck, workDir } = parts;
  const { options, file } = kept;
  const key = await resolveKey(options, file, base, { storage: source, export: from }, context);
  const schema = { ...options.schema, key };
  const settled = { ...options, schema };
  // Not the snapshot: what another writer does between our commits does not change what the lines come to.
  const commitId = loadIdOf([
    from.exportArn,
    from.digest,
    target.table.location,
    base?.ledger?.commitId ?? null,
    base?.schema ?? null,
    ...layoutOptions(settled),
    options.onDrift,
    file ?? null,
  ]);
  const runId = randomBytes(4).toString('hex');
  const journal = new Journal(target.storage, target.key, commitId);
  const rejectsDir = rejectsDirOf(parts, from);
  const loader = new Loader({
    duck,
    source,
    export: from,
    target: target.storage,
    table: target.table,
    learner: new Learner({
      schema,
      partition: options.partition,
      sort: options.sort,
      recorded: base?.schema,
      ...(base === undefined ? {} : { held: heldDigits(base.schema, await target.table.dataFiles()) }),
      file,
      lines: linesOf(from, schema, base?.schema),
      onDrift: options.onDrift,
    }),
    journal,
    commitId,
    runId,
    options: settled,
    workDir,
    rejectsDir,
    context,
  });
  const loaded = await reporter.timed('load', () => loader.run());
  checkKey(key, loaded, rejectsDir);
  return { loaded, options: settled, journal, commitId, runId, rejectsDir };
}

async function merge(
  parts: RunParts,
  read: ReadWindow,
  base: TableState | undefined,
  attempt: number,
): Promise<Merged> {
  const { loaded, options, commitId, runId } = read;
  const { files: puts } = loaded;
  const { mode } = options;
  const { target, duck, workDir, context } = parts;
  const changes = loaded.read - loaded.rejected;
  // Without a match, every change is a row of its own.
  const appends = mode === 'history' || changes === 0;
  if (!appends && loaded.layout.schema.keys.length === 0) throw keyUnknown(target.table.location);
  const attemptId = `${runId}-${attempt}`;
  const merged = await mergeChanges({
    duck,
    target,
    base,
    layout: loaded.layout,
    puts,
    deletes: appends ? [] : await localDeletes(parts, loaded.deletes),
    ...(appends ? { appends: changes } : {}),
    soft: mode === 'soft',
    options,
    commitId,
    attemptId,
    workDir: join(workDir, `merge-${attemptId}`),
    context,
  });
  if (target.table.format !== 'parquet') return merged;
  const { storage, table } = target;
  return keepOneFile(merged, loaded.layout, {
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
async function localDeletes({ target, workDir }: RunParts, deletes: readonly KeptDeletes[]): Promise<string[]> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(workDir, { recursive: true });
  return Promise.all(
    deletes.map(async ({ path }, index) => {
      const key = target.storage.key(path);
      const inPlace = target.storage.localPath(key);
      if (inPlace !== undefined) return inPlace;
      const local = join(workDir, `deletes-${index}.parquet`);
      await writeFile(local, await target.storage.get(key));
      return local;
    }),
  );
}

function stage(
  { export: from, gapBefore, withinMinute }: WindowStep,
  base: TableState | undefined,
  { loaded, commitId, options }: ReadWindow,
  { files, removed, removedDeletes, deletes }: Merged,
  kept: Kept,
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
    options: kept.recorded,
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
