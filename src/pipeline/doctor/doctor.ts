/**
 * What a run would meet, told before there is one: each thing that it asks of its ends is tried, as far as that can be
 * done without changing anything, then the run is planned. The only thing that is written is an object beside the
 * table's files, which is removed again.
 */
import type { Denial, DoctorCheck, DoctorReport, PolicyStatement } from '../../model/doctor.ts';
import { TailraceError } from '../../model/errors.ts';
import { type Finding, Findings } from '../../model/findings.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { ReportError, SyncReport, Warning } from '../../model/report.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { reportErrorOf } from '../report/chain-report.ts';
import { sync } from '../sync.ts';
import { denialOf, isGrantable } from './denial.ts';
import { grantsOf, merged } from './grants.ts';
import { examineSource } from './source.ts';
import { examineTarget } from './target.ts';

export type DoctorOptions = SyncOptions & {
  /** Writes nothing at all: what only a write can tell is left out. */
  readonly readOnly?: boolean;
};

const PLAN = 'plan the run';

/** Tries all that a `sync` of these ends with these options will need. It does not throw: what fails is in the report. */
export async function doctor(
  source: string,
  target: string,
  options: DoctorOptions,
  context: RunContext,
): Promise<DoctorReport> {
  const started = performance.now();
  const ends = { source: new Findings(), target: new Findings(), run: new Findings() };
  const warnings: Warning[] = [];
  warnings.push(...(await examineSource(source, options, ends.source, context.signal)));
  context.signal.throwIfAborted();
  const left = await examineTarget(target, { ...options, readOnly: options.readOnly === true }, ends.target);
  context.signal.throwIfAborted();
  await ends.run.try('make a temporary folder', [], async () => (await openWorkspace(options.tempDir)).close());
  if (Object.values(ends).some(({ failed }) => failed)) ends.run.untried(PLAN, 'because of what failed above');
  else warnings.push(...(await planned(source, target, options, context, ends.run)));
  return reportOf(source, target, ends, left, warnings, performance.now() - started);
}

/** What the ledger, the options and the data say to a run. */
async function planned(
  source: string,
  target: string,
  options: SyncOptions,
  context: RunContext,
  findings: Findings,
): Promise<readonly Warning[]> {
  const report = await sync(source, target, { ...options, dryRun: true }, context);
  const { error } = report;
  const plan = async (): Promise<SyncReport> => {
    if (error === undefined) return report;
    throw new TailraceError(error.code, error.message, error);
  };
  await findings.try(PLAN, [], plan, toldPlan);
  const { chain, key } = report;
  if (error === undefined && key.length === 0 && chain !== undefined && /^(?:export:)?s3:/.test(source)) {
    const ask: PolicyStatement = { Effect: 'Allow', Action: ['dynamodb:DescribeTable'], Resource: [chain.tableArn] };
    findings.untried('learn the key of the table', 'DynamoDB does not tell it: name it with --key, or allow to ask', [
      ask,
    ]);
  }
  return report.warnings;
}

function toldPlan({ outcome, plan, chain, scan }: SyncReport): string {
  if (outcome === 'planned' && scan !== undefined)
    return `a scan of about ${scan.itemsInTable} items, ${scan.rate.why}`;
  if (outcome === 'unchanged' || plan === undefined) return 'the table holds all of it already';
  const exports = chain?.exports.filter(({ state }) => state === 'next').length ?? 1;
  return `${exports} ${exports === 1 ? 'export' : 'exports'} to apply: ${plan.items} items in ${plan.files} files`;
}

function reportOf(
  source: string,
  target: string,
  ends: Readonly<Record<DoctorCheck['end'], Findings>>,
  left: readonly string[],
  warnings: readonly Warning[],
  totalMs: number,
): DoctorReport {
  const all = (['source', 'target', 'run'] as const).flatMap((end) =>
    ends[end].all.map((finding) => ({ finding, check: checkOf(end, finding) })),
  );
  const statements = merged(
    all.flatMap(({ finding, check: { denial } }) => {
      const { error, needs } = finding;
      return error === undefined || !isGrantable(error) ? [] : grantsOf(needs, denial);
    }),
  );
  const checks = all.map(({ check }) => check);
  const error = checks.find(({ state }) => state === 'failed')?.error;
  return {
    outcome: error === undefined ? 'ready' : 'failed',
    source,
    target,
    checks,
    ...(statements.length === 0 ? {} : { policy: { Version: '2012-10-17', Statement: statements } }),
    left,
    timings: { totalMs: Math.round(totalMs) },
    warnings,
    ...(error === undefined ? {} : { error }),
  };
}

function checkOf(end: DoctorCheck['end'], { what, state, found, error, needs }: Finding): DoctorCheck {
  const denial = error === undefined ? undefined : denialOf(error);
  const asked = error === undefined ? state === 'untried' : isGrantable(error);
  return {
    end,
    what,
    state,
    ...(found === undefined ? {} : { found }),
    ...(error === undefined ? {} : { error: errorOf(error, denial) }),
    ...(denial === undefined ? {} : { denial }),
    ...(asked && needs.length > 0 ? { needs: grantsOf(needs, denial) } : {}),
  };
}

/** Where a policy forbids a call, no grant helps, whatever the hint of a run says. */
function errorOf(error: TailraceError, denial: Denial | undefined): ReportError {
  const told = reportErrorOf(error);
  if (denial?.why !== 'denied') return told;
  const hint = `A ${denial.policy} denies ${denial.action} outright: change that one; no further grant helps.`;
  return { ...told, hint };
}
