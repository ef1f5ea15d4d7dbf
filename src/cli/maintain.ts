import type { Command } from 'commander';
import { ERROR_CODES } from '../model/errors.ts';
import type { MaintainOptions } from './library.ts';
import { reportError } from './print/error-text.ts';
import { maintainText } from './print/maintain-text.ts';
import { addVerb, type Call, type OwnFlags, type Shell } from './verb.ts';

const FLAGS: OwnFlags = {
  expireSnapshots: {
    kind: 'duration',
    group: 'run',
    placeholder: 'AGE',
    preset: '7d',
    default: 'off; 7d without an age',
    help: 'forget older snapshots, and delete the files that only they name',
  },
  keepSnapshots: {
    kind: 'count',
    group: 'run',
    placeholder: 'N',
    min: 1,
    default: '10',
    help: 'newest snapshots that stay, however old they are',
  },
  sweepOrphans: {
    kind: 'duration',
    group: 'run',
    placeholder: 'GRACE',
    preset: '3d',
    default: 'off; 3d without a grace',
    help: 'delete older files that nothing names; longer than any load takes, at least 1h',
  },
};

/** `maintain`: upkeep of one table. */
export function addMaintain(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'maintain',
      arguments: [['<target>', 'a table']],
      summary: 'rewrite small and worn files, join manifests, retire old metadata; expire and sweep on request',
      groups: ['resources', 'catalog', 'aws', 'output'],
      with: ['targetFileSize', 'sse', 'sseKmsKeyId', 'dryRun'],
      without: ['batchSize'],
      own: FLAGS,
      examples: [
        'tailrace maintain ./lake/orders',
        'tailrace maintain s3://lake/orders --expire-snapshots 30d --sweep-orphans --dry-run',
      ],
    },
    shell,
    async (session, call) => {
      const { output, library, context, configuration } = session;
      const [target = ''] = call.arguments;
      const report = await library.maintain(target, withOwn(configuration.options(), call), context);
      await session.settle();
      if (report.error !== undefined) await output.error(report.error, report.error);
      const shown =
        report.error === undefined ? report : { ...report, error: reportError(report.error, output.redact) };
      await output.report(shown, () => maintainText(shown, output.style));
      return report.outcome === 'failed' ? ERROR_CODES[report.error?.code ?? 'INTERNAL'].exit : 0;
    },
  );
}

function withOwn(options: MaintainOptions, { own }: Call): MaintainOptions {
  const { expireSnapshots, keepSnapshots, sweepOrphans } = own;
  return {
    ...options,
    ...(typeof expireSnapshots === 'number' ? { expireSnapshotsMs: expireSnapshots } : {}),
    ...(typeof keepSnapshots === 'number' ? { keepSnapshots } : {}),
    ...(typeof sweepOrphans === 'number' ? { sweepOrphansMs: sweepOrphans } : {}),
  };
}
