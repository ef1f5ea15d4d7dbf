import type { Command } from 'commander';
import type { DoctorAllReport, DoctorReport } from '../model/doctor.ts';
import { ERROR_CODES } from '../model/errors.ts';
import type { SyncOptions } from '../model/options.ts';
import { doctorText } from './print/doctor-text.ts';
import { reportError } from './print/error-text.ts';
import type { Redactor } from './print/redact.ts';
import type { Session } from './session.ts';
import { endsError, TABLE_FLAG, tableNames } from './sync.ts';
import { addVerb, type OwnFlags, type Shell } from './verb.ts';

const FLAGS: OwnFlags = {
  ...TABLE_FLAG,
  readOnly: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'write nothing at all; what only a write can tell is left out',
  },
};

/** `doctor`: what a sync would meet, before there is one. */
export function addDoctor(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'doctor',
      arguments: [
        ['[source]', 'an export, a folder above many, or dynamodb:<table>'],
        ['[target]', 'a table: a location, or a name in a catalog'],
      ],
      summary: 'try what a sync would need: what is reachable, which permission is missing, what would be refused',
      groups: ['schema', 'layout', 'run', 'scan', 'resources', 'catalog', 'aws', 'output'],
      without: ['dryRun'],
      own: FLAGS,
      examples: [
        'tailrace doctor s3://exports/orders s3://lake/orders',
        'tailrace doctor s3://exports/orders iceberg:lake.shop.orders --json',
        'tailrace doctor --table orders',
      ],
    },
    shell,
    async (session, call) => {
      const [source, target] = call.arguments;
      const readOnly = call.own['readOnly'] === true;
      if (source === undefined) return examineAll(session, tableNames(call), readOnly);
      if (target === undefined || call.own['table'] !== undefined) throw endsError(target === undefined, 'doctor');
      const report = await examine(session, source, target, session.configuration.options(), readOnly);
      await session.output.report(report, () => doctorText(report, session.output.style));
      return exitOf(session, report);
    },
  );
}

async function examine(
  { library, context, output, settle }: Session,
  source: string,
  target: string,
  options: SyncOptions,
  readOnly: boolean,
): Promise<DoctorReport> {
  const report = await library.doctor(source, target, { ...options, readOnly }, context);
  await settle();
  return shown(report, output.redact);
}

/** The pipelines of tailrace.yaml, one after the other. */
async function examineAll(session: Session, names: readonly string[], readOnly: boolean): Promise<number> {
  const { output, configuration } = session;
  const tables: DoctorAllReport['tables'][number][] = [];
  for (const { name, source, target, options } of configuration.pipelines(names)) {
    const report = await examine(session, source, target, options, readOnly);
    tables.push({ table: name, ...report });
    const gap = tables.length === 1 ? '' : '\n';
    if (!output.json)
      await output.report(report, () => `${gap}${output.style.bold(`[${name}]`)}\n${doctorText(report, output.style)}`);
  }
  const failed = tables.find(({ outcome }) => outcome === 'failed');
  const outcome = failed?.outcome ?? 'ready';
  if (output.json) await output.report({ outcome, tables } satisfies DoctorAllReport, () => '');
  return failed === undefined ? 0 : exitOf(session, failed);
}

async function exitOf({ output }: Session, { error }: DoctorReport): Promise<number> {
  if (error === undefined) return 0;
  await output.error(error, error);
  return ERROR_CODES[error.code].exit;
}

/** Messages of services may quote what they were sent. */
function shown(report: DoctorReport, redact: Redactor): DoctorReport {
  const checks = report.checks.map((check) => ({
    ...check,
    ...(check.error === undefined ? {} : { error: reportError(check.error, redact) }),
  }));
  return { ...report, checks, ...(report.error === undefined ? {} : { error: reportError(report.error, redact) }) };
}
