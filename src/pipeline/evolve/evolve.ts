/**
 * `schema evolve`: a table's columns changed on request, in one commit that brings it to no other position. Nothing is
 * rounded: each value goes to a column that holds it exactly, or stays in `_rescued`, or the change is refused. It does not
 * throw: whatever goes wrong is in the report, and the table is as it was.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { liveState } from '../../maintain/compact.ts';
import { pathText } from '../../model/attribute-path.ts';
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { ColumnEvolution, EvolveReport, ReportColumn, Warning } from '../../model/report.ts';
import type { Field } from '../../model/schema.ts';
import type { DataFile, StagedCommit, TableState } from '../../model/table.ts';
import { typeText } from '../../model/type-text.ts';
import type { AttrChange } from '../../schema/evolve/evolution.ts';
import { discard } from '../../storage/remove.ts';
import { refuseTable } from '../chain/refuse.ts';
import { openEngine } from '../ends/engine.ts';
import { evolvedOptions } from '../ends/keep.ts';
import { noTable } from '../ends/no-table.ts';
import { openTarget, type WrapStorage } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { conflict, tryCommit } from '../load/commit.ts';
import { Journal } from '../load/journal.ts';
import { keepOneFile } from '../load/no-rows.ts';
import { reportErrorOf } from '../report/chain-report.ts';
import { type EvolveParts, evolveFiles } from './files.ts';
import { type ColumnChange, type EvolvePlan, planEvolution } from './plan.ts';

export type { ColumnChange } from './plan.ts';

export interface EvolveOptions extends SyncOptions {
  /** Values that would not fit the new type go to `_rescued`; else such a change is refused. */
  readonly allowRescue?: boolean;
}

/** Another writer's commit makes the change begin again on what is there then; a table that is never still is left alone. */
const MAX_ATTEMPTS = 5;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<EvolveReport>;

/** Changes columns of one table: see above. */
export async function evolveSchema(
  target: string,
  changes: readonly ColumnChange[],
  options: EvolveOptions,
  context: RunContext,
  wrap?: WrapStorage,
): Promise<EvolveReport> {
  const started = performance.now();
  const warnings: Warning[] = [];
  const report: Draft = {
    outcome: 'failed',
    target,
    columns: [],
    values: { moved: 0, rescued: 0, left: 0 },
    files: { total: 0, rewritten: 0, bytes: 0 },
    timings: { totalMs: 0 },
    peakMemoryBytes: 0,
    warnings,
  };
  try {
    report.outcome = await run(target, changes, options, context, report, wrap);
  } catch (thrown) {
    context.log('debug', 'the run failed', { stack: thrown instanceof Error ? thrown.stack : String(thrown) });
    const own = thrown instanceof TailraceError && thrown.code === 'COMMIT_UNKNOWN';
    report.error = reportErrorOf(context.signal.aborted && !own ? interrupted(thrown) : asTailraceError(thrown));
  }
  report.timings = { totalMs: Math.round(performance.now() - started) };
  report.peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  return report;
}

async function run(
  text: string,
  changes: readonly ColumnChange[],
  options: EvolveOptions,
  context: RunContext,
  report: Draft,
  wrap: WrapStorage | undefined,
): Promise<EvolveReport['outcome']> {
  const target = await openTarget(text, options, 'read', wrap);
  try {
    const workspace = await openWorkspace(options.tempDir);
    const duck = await openEngine(workspace, options);
    try {
      const parts = { target, options, context, duck, workDir: join(workspace.dir, 'evolve') };
      return await attempts(parts, changes, options.allowRescue === true, report);
    } finally {
      duck.close();
      await workspace.close();
    }
  } finally {
    await target.close();
  }
}

async function attempts(
  parts: EvolveParts,
  changes: readonly ColumnChange[],
  allowRescue: boolean,
  report: Draft,
): Promise<EvolveReport['outcome']> {
  const { target, options, context } = parts;
  const { table, storage } = target;
  report.format = table.format;
  for (let attempt = 1; ; attempt += 1) {
    const now = await liveState(table);
    if (now === undefined) throw noTable(table.location);
    const { base, files: live } = now;
    refuseTable(base, { ...options, mode: undefined, adopt: false });
    const plan = await planEvolution(parts, base, live, changes);
    tell(report, base, live, plan);
    refuseMisfits(plan, allowRescue, table.location);
    if (!plan.newSchema && plan.files.length === 0) return 'unchanged';
    if (options.dryRun) return 'planned';
    // A load that was killed right behind its commit is named by the ledger that this commit replaces.
    if (base.ledger !== undefined) await new Journal(storage, target.key, base.ledger.commitId).remove();
    const { staged, own } = await stage(parts, base, plan);
    if (context.signal.aborted) {
      // No commit was tried.
      await discard(storage, own);
      throw interrupted(context.signal.reason);
    }
    const outcome = await tryCommit(target, staged, base, context);
    if (outcome.kind === 'committed') {
      committed(report, staged, outcome);
      return 'committed';
    }
    await discard(storage, own);
    await table.discard?.(staged.commitId).catch(() => undefined);
    if (attempt === MAX_ATTEMPTS) throw conflict(target, outcome.reason);
    context.log('info', 'another writer committed first; the change is made again', { reason: outcome.reason });
  }
}

/** The commit: other columns, the files that they need, and the ledger as it was, under the name of this commit. */
async function stage(
  parts: EvolveParts,
  base: TableState,
  plan: EvolvePlan,
): Promise<{ readonly staged: StagedCommit; readonly own: readonly string[] }> {
  const { target, duck, workDir, context } = parts;
  const { ledger, partition, sort } = base;
  const { after: schema } = plan.evolution;
  if (ledger === undefined) throw new Error('a table without a ledger is refused');
  const commitId = randomUUID();
  const written: readonly DataFile[] = await evolveFiles(parts, base, plan.files, plan.evolution, commitId);
  const removed = plan.files.map(({ path }) => path);
  let change = { files: written, removed, own: written.map(({ path }) => path) };
  if (target.table.format === 'parquet') {
    const input = { duck, target: target.storage, table: target.table, commitId, runId: 'e', workDir, context };
    change = await keepOneFile(change, await target.table.dataFiles(), { schema, partition }, input);
  }
  const options = plan.newSchema ? evolvedOptions(base.options, schema) : undefined;
  const { own, ...files } = change;
  const staged: StagedCommit = {
    operation: 'merge',
    schema,
    partition,
    sort,
    ...files,
    // Deletes that no longer apply to any file leave by themselves.
    removedDeletes: [],
    deletes: [],
    // Its own name, so that a rollback to before it is noticed: older files do not have these columns.
    ledger: { ...ledger, commitId },
    ...(options === undefined ? {} : { options }),
    commitId,
    timestampMs: Date.now(),
  };
  return { staged, own };
}

function tell(report: Draft, base: TableState, live: readonly DataFile[], plan: EvolvePlan): void {
  if (base.snapshot !== undefined) report.snapshot = base.snapshot;
  report.columns = plan.evolution.changes.flatMap(columnsOf);
  report.values = plan.values;
  const bytes = plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  report.files = { total: live.length, rewritten: plan.files.length, bytes };
}

function committed(
  report: Draft,
  { files }: StagedCommit,
  { snapshot, untidy, behind }: { snapshot: string; untidy?: string; behind?: string },
) {
  report.snapshot = snapshot;
  const bytesWritten = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  report.files = { ...report.files, written: files.length, bytesWritten };
  if (behind !== undefined) {
    const text = `The table holds the commit, but the catalog still shows an older state: ${behind.replace(/\.?$/, '.')}`;
    report.warnings = [...report.warnings, { code: 'catalog-behind', text }];
  }
  if (untidy === undefined) return;
  const text = `The folder may still hold files of a killed run, which readers that list it would see: ${untidy.replace(/\.?$/, '.')}`;
  report.warnings = [...report.warnings, { code: 'strays-left', text }];
}

/** What becomes of each column of an attribute. */
function columnsOf({ before, after }: AttrChange): ColumnEvolution[] {
  const left = [...before];
  const take = (same: (column: Field) => boolean): Field | undefined => {
    const at = left.findIndex(same);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const pairs = after.map((now) => [now, take(({ id }) => id === now.id)] as const);
  const matched = pairs.map(([now, old]) => [now, old ?? take(({ name }) => name === now.name)] as const);
  return [
    ...matched.map(([now, old]): ColumnEvolution => evolutionOf(old, now)),
    ...left.map((old): ColumnEvolution => evolutionOf(old, undefined)),
  ];
}

function evolutionOf(old: Field | undefined, now: Field | undefined): ColumnEvolution {
  const column = (field: Field): ReportColumn => ({
    name: field.name,
    attribute: pathText([field.attr]),
    tag: field.tag,
    type: typeText(field.type),
    id: field.id,
  });
  return {
    attribute: pathText([(now ?? old)?.attr ?? '']),
    change: kindOf(old, now),
    ...(old === undefined ? {} : { before: column(old) }),
    ...(now === undefined ? {} : { after: column(now) }),
  };
}

function kindOf(old: Field | undefined, now: Field | undefined): ColumnEvolution['change'] {
  if (old === undefined) return 'added';
  if (now === undefined) return 'removed';
  const same = JSON.stringify(old.type) === JSON.stringify(now.type);
  if (old.id === now.id && same) return old.name === now.name ? 'kept' : 'renamed';
  return old.id === now.id && now.type.kind === 'decimal' ? 'grown' : 'retyped';
}

/** A value that its column would no longer hold is lost to queries: nobody does that by the way. */
function refuseMisfits({ misfits, evolution }: EvolvePlan, allowRescue: boolean, place: string): void {
  const [first] = misfits;
  if (first === undefined) return;
  const change = evolution.changes.find(({ attr }) => attr === first.attr);
  if (allowRescue && change?.isKey !== true) return;
  const types = change?.after.map(({ type }) => typeText(type)).join(' or ') ?? '';
  const count = first.count === 1 ? 'One value' : `${first.count} values`;
  const hint = 'Choose a type that holds them; with --allow-rescue they go to _rescued, and nothing is lost.';
  throw new TailraceError('SCHEMA_DRIFT', `${count} of “${first.attr}” would not fit the new type.`, {
    place: `${place}${first.key === '' ? '' : `, e.g. ${cut(first.key)}`}`,
    expected: types,
    found: `e.g. ${cut(first.example)}`,
    hint: change?.isKey === true ? 'Choose a type that holds them: keys are never rescued.' : hint,
  });
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function interrupted(cause: unknown): TailraceError {
  return new TailraceError('INTERRUPTED', 'The run was interrupted; the table is as it was.', {
    cause,
    hint: 'Run the same command again.',
  });
}
