import { createHash, randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';

import { asTailraceError, TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { SyncReport } from '../model/report.ts';
import type { CommitOutcome, Ledger, StagedCommit, TableOptions, TableState } from '../model/table.ts';
import type { FullExport } from '../source/port.ts';
import { decide } from './decide.ts';
import { openEngine } from './engine.ts';
import { Journal } from './journal.ts';
import { type Kept, keepOptions } from './keep.ts';
import { Learner } from './learner.ts';
import { linesOf } from './lines.ts';
import { Loader, type LoadResult } from './load.ts';
import {
  type OpenSource,
  type OpenTarget,
  openSource,
  openTarget,
  readSchemaOption,
  resolveKey,
  type WrapStorage,
} from './open.ts';
import { preview } from './preview.ts';
import { failedReport, Reporter } from './reporter.ts';
import { unseenNames } from './unseen.ts';
import { openWorkspace, stateDir } from './workspace.ts';

/**
 * One run from end to end: plan → read → learn the schema → write → commit → report. It does not throw: whatever goes
 * wrong is in the report, and the table is then as it was.
 */
export async function sync(
  source: string,
  target: string,
  options: SyncOptions,
  context: RunContext,
): Promise<SyncReport> {
  return syncThrough((storage) => storage, source, target, options, context);
}

/** `sync`, with every storage that it opens seen through `wrap`: the seam where tests kill, cut and lose calls. */
export async function syncThrough(
  wrap: WrapStorage,
  source: string,
  target: string,
  options: SyncOptions,
  context: RunContext,
): Promise<SyncReport> {
  const reporter = new Reporter(source, target);
  try {
    return await run(wrap, source, target, options, context, reporter);
  } catch (thrown) {
    context.log('debug', 'the run failed', { stack: thrown instanceof Error ? thrown.stack : String(thrown) });
    // Once the commit is under way, only its own error knows what became of the table.
    return failedReport(
      reporter,
      context.signal.aborted && !reporter.committing ? interrupted(thrown) : asTailraceError(thrown),
    );
  }
}

function interrupted(cause: unknown): TailraceError {
  return new TailraceError('INTERRUPTED', 'The run was interrupted; the table is as it was.', {
    cause,
    hint: 'Run the same command again; it goes on behind the last finished batch.',
  });
}

async function run(
  wrap: WrapStorage,
  sourceText: string,
  targetText: string,
  options: SyncOptions,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  const source = await openSource(sourceText, options, context, wrap);
  try {
    reporter.export(source.export);
    const target = await openTarget(targetText, options, wrap);
    try {
      reporter.table(target.table);
      const base = await target.table.load();
      if (base !== undefined) reporter.base(base);
      const kept = keepOptions(options, await readSchemaOption(options), base);
      const decision = decide(source.export, base, options.replace, kept.changes.length > 0);
      reporter.changes(kept.changes, decision);
      if (decision === 'unchanged') {
        // A run that was killed behind its commit left these.
        if (!options.dryRun) reporter.untidy(await target.table.tidy?.());
        if (!options.dryRun && base?.ledger !== undefined)
          await removeJournal(new Journal(target.storage, target.key, base.ledger.commitId), reporter);
        return reporter.finish('unchanged');
      }
      if (options.dryRun) return await plan(source, base, options, kept, context, reporter);
      return await load(source, target, base, options, kept, context, reporter);
    } finally {
      await target.storage.close();
    }
  } finally {
    await source.storage.close();
  }
}

/** What a run would do, by manifests, metadata and the beginnings of a few files. */
async function plan(
  source: OpenSource,
  base: TableState | undefined,
  given: SyncOptions,
  kept: Kept,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  reporter.planned();
  const key = await resolveKey(kept.options, kept.file, base, source, context);
  reporter.key(key);
  const { learner, layout, items, warnings } = await preview(source, kept, key, base, context);
  reporter.previewed(layout, items);
  const names = layout === undefined ? [] : unseenNames(given.schema, kept.file, { learner, layout, files: [] });
  for (const { code, text } of [...warnings, ...(items === 0 ? [] : names)]) reporter.warn(code, text);
  return reporter.finish('planned');
}

async function load(
  source: OpenSource,
  target: OpenTarget,
  base: TableState | undefined,
  given: SyncOptions,
  kept: Kept,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  const { options, file } = kept;
  const key = await resolveKey(options, file, base, source, context);
  reporter.key(key);
  const schemaOptions = { ...options.schema, key };
  const commitId = loadId(source.export, target, base, { ...options, schema: schemaOptions }, file);
  const workspace = await openWorkspace(options.tempDir);
  const duck = await openEngine(workspace, options);
  try {
    const learner = new Learner({
      schema: schemaOptions,
      partition: options.partition,
      sort: options.sort,
      recorded: base?.schema,
      file,
      lines: linesOf(source.export, schemaOptions, base?.schema),
    });
    const journal = new Journal(target.storage, target.key, commitId);
    const rejectsDir = join(
      options.rejects ?? join(stateDir(target.table.location), 'rejects'),
      basename(source.export.exportArn),
    );
    const loader = new Loader({
      duck,
      source: source.storage,
      export: source.export,
      target: target.storage,
      table: target.table,
      learner,
      journal,
      commitId,
      runId: randomBytes(4).toString('hex'),
      options: { ...options, schema: schemaOptions },
      workDir: workspace.dir,
      rejectsDir,
      context,
    });
    const loaded = await reporter.timed('load', () => loader.run());
    reporter.loaded(loaded, rejectsDir, options);
    checkKey(options.schema.key, loaded, rejectsDir);
    const seen = { learner, layout: loaded.layout, files: loaded.files };
    if (loaded.read > 0) for (const { code, text } of unseenNames(given.schema, file, seen)) reporter.warn(code, text);
    const staged = stage(source.export, base, loaded, kept.recorded, commitId);
    const outcome = await reporter.timed('commit', () => commit(target, staged, base, context));
    reporter.committed(staged, outcome);
    await removeJournal(journal, reporter);
    return reporter.finish('committed');
  } finally {
    duck.close();
    await workspace.close();
  }
}

/** The table is as it should be, whatever becomes of the journal beside it. */
async function removeJournal(journal: Journal, reporter: Reporter): Promise<void> {
  await journal
    .remove()
    .catch((cause: unknown) =>
      reporter.warn('journal-left', `The journal of the load could not be removed: ${String(cause)}`),
    );
}

/** When not one item has the key that the user named, it is the key that is wrong, not the items. */
function checkKey(key: readonly string[], { read, rejected }: LoadResult, rejectsDir: string): void {
  if (key.length === 0 || read === 0 || rejected < read) return;
  throw new TailraceError('USAGE', 'No item could be loaded with the key that was named.', {
    place: '--key',
    expected: 'the key attributes of the table, partition key first',
    found: key.join(','),
    hint: `Correct --key; the reason for each item stands in ${rejectsDir}.`,
  });
}

/** Names a load by all that its result depends on: the same command on the same table goes on with the same load. */
function loadId(
  from: FullExport,
  target: OpenTarget,
  base: TableState | undefined,
  options: SyncOptions,
  file: unknown,
): string {
  const { schema, partition, sort, targetFileSizeBytes, batchBytes } = options;
  const plan = [
    from.exportArn,
    from.digest,
    target.table.location,
    base?.snapshot ?? null,
    schema,
    partition,
    sort,
    targetFileSizeBytes,
    batchBytes,
    file ?? null,
  ];
  const hex = createHash('sha256').update(JSON.stringify(plan)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

function stage(
  from: FullExport,
  base: TableState | undefined,
  loaded: LoadResult,
  options: TableOptions,
  commitId: string,
): StagedCommit {
  const ledger: Ledger = {
    version: 1,
    tableArn: from.tableArn,
    tableId: from.tableId,
    watermark: from.exportTime,
    commitId,
    entries: [
      {
        kind: 'full-export',
        exportArn: from.exportArn,
        exportTime: from.exportTime,
        items: loaded.read,
        rejected: loaded.rejected,
        ...(from.trusted ? { trustedManifest: true as const } : {}),
      },
    ],
  };
  const { schema, partition, sort } = loaded.layout;
  return {
    operation: base === undefined ? 'create' : 'replace',
    schema,
    partition,
    sort,
    files: loaded.files,
    ledger,
    options,
    commitId,
    timestampMs: Date.now(),
  };
}

async function commit(
  target: OpenTarget,
  staged: StagedCommit,
  base: TableState | undefined,
  context: RunContext,
): Promise<Extract<CommitOutcome, { kind: 'committed' }>> {
  if (context.signal.aborted) throw interrupted(context.signal.reason);
  const outcome = await target.table.commit(staged, base);
  if (outcome.kind === 'committed') return outcome;
  if (outcome.kind === 'conflict') {
    throw new TailraceError('COMMIT_CONFLICT', `Another writer changed the table first: ${outcome.reason}.`, {
      place: target.table.location,
      hint: 'Run the command again; it looks at the table as it is now.',
    });
  }
  throw new TailraceError('COMMIT_UNKNOWN', `It cannot be told whether the commit took place: ${outcome.reason}.`, {
    place: target.table.location,
    cause: outcome.cause,
    hint: 'Run the same command again: it finds its own commit if it took place, and makes it if not. Nothing was deleted.',
  });
}
