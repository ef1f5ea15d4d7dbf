import type { Command } from 'commander';
import type { DoctorReport } from '../model/doctor.ts';
import { ERROR_CODES } from '../model/errors.ts';
import { doctorText } from './print/doctor-text.ts';
import { reportError } from './print/error-text.ts';
import type { Redactor } from './print/redact.ts';
import { addVerb, type OwnFlags, type Shell } from './verb.ts';

const FLAGS: OwnFlags = {
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
        ['<source>', 'an export, a folder above many, or dynamodb:<table>'],
        ['<target>', 'a table: a location, or a name in a catalog'],
      ],
      summary: 'try what a sync would need: what is reachable, which permission is missing, what would be refused',
      groups: ['schema', 'layout', 'run', 'resources', 'catalog', 'aws', 'output'],
      without: ['dryRun'],
      own: FLAGS,
      examples: [
        'tailrace doctor s3://exports/orders s3://lake/orders',
        'tailrace doctor s3://exports/orders iceberg:lake.shop.orders --json',
      ],
    },
    shell,
    async (session, { arguments: [source = '', target = ''], own }) => {
      const { output, library, context, configuration } = session;
      const options = { ...configuration.options(), readOnly: own['readOnly'] === true };
      const report = shown(await library.doctor(source, target, options, context), output.redact);
      await session.settle();
      await output.report(report, () => doctorText(report, output.style));
      if (report.error === undefined) return 0;
      await output.error(report.error, report.error);
      return ERROR_CODES[report.error.code].exit;
    },
  );
}

/** Messages of services may quote what they were sent. */
function shown(report: DoctorReport, redact: Redactor): DoctorReport {
  const checks = report.checks.map((check) => ({
    ...check,
    ...(check.error === undefined ? {} : { error: reportError(check.error, redact) }),
  }));
  return { ...report, checks, ...(report.error === undefined ? {} : { error: reportError(report.error, redact) }) };
}
