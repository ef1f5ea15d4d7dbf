/**
 * One run from end to end: plan → read → learn the schema → write → commit → report, an export at a time. It does not
 * throw: whatever goes wrong is in the report, and the table is then as it was, or as the exports before left it.
 */
import { asTailraceError, TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { SyncReport } from '../model/report.ts';
import type { TableState } from '../model/table.ts';
import { openExport } from '../source/export/open.ts';
import type { Export, FoundExport } from '../source/port.ts';
import { adopt } from './adopt.ts';
import { type ChainPlan, type ChainStep, planChain } from './chain/chain.ts';
import { refuseBlindStart, refuseChanges, refusePart, refuseTable } from './chain/refuse.ts';
import { parseSource } from './ends/ends.ts';
import { openEngine } from './ends/engine.ts';
import { type Kept, keepOptions } from './ends/keep.ts';
import {
  type OpenExports,
  type OpenTarget,
  openExports,
  openTarget,
  readSchemaOption,
  resolveKey,
  type WrapStorage,
} from './ends/open.ts';
import { openWorkspace } from './ends/workspace.ts';
import { unseenNames } from './learn/unseen.ts';
import { interrupted } from './load/commit.ts';
import { finishLast } from './load/finish-last.ts';
import { applyFull } from './load/full.ts';
import type { RunParts } from './load/parts.ts';
import { sendReaders } from './load/publish.ts';
import { preview } from './preview.ts';
import { failedReport, Reporter } from './report/reporter.ts';
import { refuseForExports, refuseForScans } from './scan/mode.ts';
import { syncTable } from './scan/scan.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import { isApplied, unlessApplied } from './window/meanwhile.ts';
import { applyWindow } from './window/window.ts';

/** One run: see above. */
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
      context.signal.aborted && !reporter.committing
        ? interrupted(thrown, reporter.applied, reporter.scans)
        : asTailraceError(thrown),
    );
  }
}

async function run(
  wrap: WrapStorage,
  sourceText: string,
  targetText: string,
  options: SyncOptions,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  const end = parseSource(sourceText);
  if (end.kind === 'dynamodb') refuseForScans(options);
  const target = await openTarget(targetText, options, options.dryRun ? 'plan' : 'write', wrap);
  try {
    reporter.table(target.table);
    const there = await target.table.load();
    if (there !== undefined) reporter.base(there);
    refuseTable(there, options);
    if (end.kind === 'dynamodb') return await syncTable(end, target, there, options, context, reporter);
    refusePart(there, options);
    refuseForExports(options);
    const source = await openExports(sourceText, options, context, wrap, needlessBefore(there, options));
    try {
      return await chain(source, target, there, options, context, reporter);
    } finally {
      await source.storage.close();
    }
  } finally {
    await target.close();
  }
}

/** Exports that were begun before what the table holds are of no use to it, unless it is made anew. */
function needlessBefore(there: TableState | undefined, options: SyncOptions): number | undefined {
  const watermark = Date.parse(there?.ledger?.watermark ?? '');
  return options.replace || Number.isNaN(watermark) ? undefined : watermark;
}

async function chain(
  source: OpenExports,
  target: OpenTarget,
  there: TableState | undefined,
  options: SyncOptions,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  if (options.adopt && there === undefined) throw nothingToAdopt(target.table.location);
  // A schema file then tells what the columns of the other tool's table hold, in later runs, too, and nothing else.
  const adopting = options.adopt && there !== undefined;
  const base = adopting && there.ledger === undefined ? await adopted(there, source.found, options) : there;
  const file = adopting ? undefined : await readSchemaOption(options);
  const { changes } = keepOptions(options, file, base, false);
  const remake = options.replace && changes.length > 0;
  const plan = planChain(source.found, base?.ledger, { ...options, place: target.table.location, remake });
  reporter.chain(plan, source.warnings);
  if (base === undefined) refuseBlindStart(plan, source.unreadable);
  const [first] = plan.steps;
  const windows = base !== undefined && first?.kind === 'window';
  reporter.changes(changes, first?.replaces ? 'remakes' : windows ? 'applies windows' : 'changes nothing');
  if (windows) refuseChanges(changes, base);
  const keep: Keep = (state, step) => keepOptions(options, file, state, step.kind === 'full');
  if (options.dryRun) return plannedReport(source, base, options, keep, plan, context, reporter);
  if (plan.steps.length === 0) return unchanged(target, base, plan, context, reporter);
  await finishLast(target, base, reporter);
  const workspace = await openWorkspace(options.tempDir);
  const duck = await openEngine(workspace, options);
  try {
    const parts = { source: source.storage, target, given: options, context, reporter, duck, workDir: workspace.dir };
    await applySteps(parts, plan, base, keep).finally(() => sendReaders(parts));
  } finally {
    duck.close();
    await workspace.close();
  }
  if (plan.refusal !== undefined) throw plan.refusal;
  return reporter.finish(reporter.applied > 0 ? 'committed' : 'unchanged');
}

/** A foreign table as if its rows were ours. The schema file only tells what its columns hold. */
async function adopted(there: TableState, found: readonly FoundExport[], options: SyncOptions): Promise<TableState> {
  const file = await readSchemaOption(options);
  const { fromTime, schema, mode = 'mirror' } = options;
  return adopt(there, found, { fromTime, file, key: schema.key.length > 0 ? schema.key : (file?.key ?? []), mode });
}

/** A place that was mistyped: a new table there would not be the one that readers know. */
function nothingToAdopt(place: string): TailraceError {
  return new TailraceError('TARGET_NOT_FOUND', 'There is no table to take over.', {
    place,
    expected: 'an Iceberg table that another tool made',
    found: 'nothing',
    hint: 'Name its folder, or its catalog and name. Leave --adopt out to make a new table there.',
  });
}

/** The options of a step on a state of the table. */
type Keep = (base: TableState | undefined, step: ChainStep) => Kept;

/** Each export in a commit of its own, on top of the one before. */
async function applySteps(parts: RunParts, plan: ChainPlan, start: TableState | undefined, keep: Keep): Promise<void> {
  const { source, target, given, context } = parts;
  let base = start;
  const several = plan.steps.length > 1;
  const upkeep = new Upkeep(parts);
  for (const [index, step] of plan.steps.entries()) {
    const last = index === plan.steps.length - 1;
    if (context.signal.aborted) throw interrupted(context.signal.reason);
    if (index > 0) base = await target.table.load();
    if (index > 0 && isApplied(parts, base, step)) continue;
    const own = { ...parts, context: ofStep(context, index + 1, plan.steps.length) };
    const from = await openExport(source, step.export.folder, { trustManifest: given.trustManifest });
    context.log('info', 'opened export', { uri: from.uri, files: from.files.length, items: from.itemCount });
    const [state, kept] = [base, keep(base, step)];
    // Another run may have made the table meanwhile, with other options.
    if (state !== undefined && step.kind === 'window') refuseChanges(kept.changes, state);
    if (from.kind === 'full') await unlessApplied(own, base, step, () => applyFull(own, from, state, kept));
    else {
      await unlessApplied(own, base, step, () =>
        applyWindow(own, { ...step, export: from, more: several }, state, (now) => keep(now, step)),
      );
      await upkeep.window(last, several);
    }
  }
}

/** Progress that says which export it is of. */
function ofStep(context: RunContext, number: number, count: number): RunContext {
  if (count === 1) return context;
  return { ...context, onProgress: (progress) => context.onProgress({ ...progress, step: { number, count } }) };
}

/** Nothing to apply. A run that was killed behind its commit may have left something beside the table. */
async function unchanged(
  target: OpenTarget,
  base: TableState | undefined,
  plan: ChainPlan,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  if (plan.refusal !== undefined) throw plan.refusal;
  await finishLast(target, base, reporter);
  if (base?.published !== undefined) await sendReaders({ target, context, reporter });
  return reporter.finish('unchanged');
}

/** What a run would do, by manifests, metadata and the beginnings of a few files. */
async function plannedReport(
  source: OpenExports,
  base: TableState | undefined,
  given: SyncOptions,
  keep: Keep,
  plan: ChainPlan,
  context: RunContext,
  reporter: Reporter,
): Promise<SyncReport> {
  const [first] = plan.steps;
  if (first === undefined) {
    if (plan.refusal !== undefined) throw plan.refusal;
    return reporter.finish('unchanged');
  }
  const exports: Export[] = [];
  for (const step of plan.steps) {
    const from = await openExport(source.storage, step.export.folder, { trustManifest: given.trustManifest });
    reporter.export(from);
    exports.push(from);
  }
  reporter.planned(exports);
  const from = exports[0] as Export;
  const kept = keep(base, first);
  const key = await resolveKey(kept.options, kept.file, base, { storage: source.storage, export: from }, context);
  reporter.filter(kept.options.schema.filter);
  reporter.key(key);
  if (from.kind !== 'full') return reporter.finish('planned');
  const opened = { storage: source.storage, export: from };
  const { learner, layout, items, warnings } = await preview(opened, kept, key, base, context);
  reporter.previewed(layout, items);
  const names = layout === undefined ? [] : unseenNames(given.schema, kept.file, { learner, layout, files: [] });
  for (const { code, text } of [...warnings, ...(items === 0 ? [] : names)]) reporter.warn(code, text);
  return reporter.finish('planned');
}
