import type { Command } from 'commander';
import { asTailraceError, ERROR_CODES, TailraceError } from '../model/errors.ts';
import type { SyncOptions } from '../model/options.ts';
import type { SyncAllReport, SyncReport } from '../model/report.ts';
import { reportError } from './print/error-text.ts';
import { syncReportText } from './print/report-text.ts';
import type { Session } from './session.ts';
import { addVerb, afterSignal, type Call, type OwnFlags, type Shell, type VerbAction } from './verb.ts';

/** Which pipelines, where no ends are named. */
export const TABLE_FLAG: OwnFlags = {
  table: {
    kind: 'names',
    group: 'run',
    placeholder: 'NAME',
    default: 'all of them',
    help: 'pipeline of tailrace.yaml to run; may be repeated',
  },
};

const ENDS = [
  ['[source]', 'exports: a folder of one, or above those of a table; or the table itself: dynamodb:<name or ARN>'],
  [
    '[target]',
    'a table: ./path, s3://bucket/key, iceberg:<location>, parquet:<location> or iceberg:<catalog>.<namespace>.<table>',
  ],
] as const;

/** `sync`: one export into one table, or the pipelines of tailrace.yaml. */
export function addSync(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'sync',
      arguments: ENDS,
      summary:
        'load DynamoDB exports, or a table itself, into an Iceberg or Parquet table; without ends, run the pipelines of tailrace.yaml',
      groups: ['schema', 'layout', 'run', 'scan', 'resources', 'catalog', 'aws', 'output'],
      own: TABLE_FLAG,
      examples: [
        'tailrace sync ./export ./lake/orders --key pk,sk',
        'tailrace sync s3://exports/orders s3://lake/orders --partition "day(created_at), bucket(16, pk)"',
        'tailrace sync s3://exports/orders parquet:s3://lake/orders --replace --json',
        'tailrace sync dynamodb:orders s3://lake/orders --rcu 30%',
        'tailrace sync --table orders --table customers',
      ],
    },
    shell,
    runWith((options) => options),
  );
}

/** `plan`: what a sync would do. */
export function addPlan(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'plan',
      arguments: ENDS,
      summary: 'say what a sync would do, and change nothing (the same as sync --dry-run)',
      groups: ['schema', 'layout', 'run', 'scan', 'resources', 'catalog', 'aws', 'output'],
      without: ['dryRun'],
      own: TABLE_FLAG,
      examples: ['tailrace plan ./export ./lake/orders', 'tailrace plan --table orders --json'],
    },
    shell,
    runWith((options) => ({ ...options, dryRun: true })),
  );
}

function runWith(adjust: (options: SyncOptions) => SyncOptions): VerbAction {
  return async (session, call) => {
    const [source, target] = call.arguments;
    if (source === undefined) return runAll(session, tableNames(call), adjust);
    if (target === undefined || call.own['table'] !== undefined) throw endsError(target === undefined);
    const report = await runOne(session, source, target, adjust(session.configuration.options()));
    await session.output.report(report, () => syncReportText(report, session.output.style));
    return exitCodeOf(report);
  };
}

/** Pipelines that --table names. */
export function tableNames(call: Call): readonly string[] {
  const names = call.own['table'];
  return Array.isArray(names) ? names.map(String) : [];
}

/** The error for one end alone, or for ends beside --table. */
export function endsError(oneEnd: boolean, verb = 'sync'): TailraceError {
  return new TailraceError('USAGE', oneEnd ? 'A source is named, but no target.' : 'Both ends and --table are named.', {
    expected: '<source> <target>, or none of the two to run the pipelines of tailrace.yaml',
    place: oneEnd ? 'the second argument' : '--table',
    hint: oneEnd
      ? `Write \`tailrace ${verb} <source> <target>\`; a pipeline is named with --table NAME.`
      : 'Leave out one of them.',
  });
}

/** One run. The library reports failures; what it throws all the same is reported, too. */
async function runOne(session: Session, source: string, target: string, options: SyncOptions): Promise<SyncReport> {
  const { output, library, context, world } = session;
  let thrown: unknown;
  const report = await library.sync(source, target, options, context).catch((error: unknown) => {
    thrown = afterSignal(error, world.signal);
    return failedReport(source, target, reportError(asTailraceError(thrown), output.redact));
  });
  await session.settle();
  if (report.error === undefined) return report;
  await output.error(thrown, report.error);
  return { ...report, error: reportError(report.error, output.redact) };
}

async function runAll(
  session: Session,
  names: readonly string[],
  adjust: (options: SyncOptions) => SyncOptions,
): Promise<number> {
  const { output, world } = session;
  // All options are resolved first: a mistake in the last pipeline must show before the first has run.
  const pipelines = session.configuration
    .pipelines(names)
    .map((pipeline) => ({ ...pipeline, options: adjust(pipeline.options) }));
  const tables: SyncAllReport['tables'][number][] = [];
  for (const { name, source, target, options } of pipelines) {
    const report = await runOne(session, source, target, options);
    tables.push({ table: name, ...report });
    if (!output.json) {
      const gap = tables.length === 1 ? '' : '\n';
      await output.report(
        report,
        () => `${gap}${output.style.bold(`[${name}]`)} ${syncReportText(report, output.style)}`,
      );
    }
    if (world.signal.aborted) break;
  }
  const failed = tables.find((report) => report.outcome === 'failed');
  const outcome =
    (failed ?? tables.find((report) => report.outcome !== 'unchanged') ?? tables[0])?.outcome ?? 'unchanged';
  if (output.json) await output.report({ outcome, tables } satisfies SyncAllReport, () => '');
  return failed === undefined ? 0 : exitCodeOf(failed);
}

function exitCodeOf(report: SyncReport): number {
  if (report.outcome !== 'failed') return 0;
  return ERROR_CODES[report.error?.code ?? 'INTERNAL'].exit;
}

function failedReport(source: string, target: string, error: NonNullable<SyncReport['error']>): SyncReport {
  return {
    outcome: 'failed',
    source,
    target,
    counts: { read: 0, written: 0, deleted: 0, unchanged: 0, filtered: 0, rejected: 0, rescued: 0 },
    applied: 0,
    schema: [],
    key: [],
    timings: { totalMs: 0, learnMs: 0, loadMs: 0, mergeMs: 0, commitMs: 0, upkeepMs: 0 },
    bytes: { read: 0, written: 0 },
    files: { read: 0, written: 0, resumed: 0 },
    peakMemoryBytes: 0,
    warnings: [],
    error,
  };
}
