import type { Command } from 'commander';
import { inspectText } from './print/inspect-text.ts';
import { addVerb, type Shell } from './verb.ts';

/** `inspect`: what lies at an end, from its metadata alone. */
export function addInspect(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'inspect',
      arguments: [['<end>', 'a full export or a table']],
      summary: 'say what lies at a place: an export from its manifests, a table from its metadata and ledger',
      groups: ['aws', 'output'],
      examples: ['tailrace inspect ./export', 'tailrace inspect s3://lake/orders --json'],
    },
    shell,
    async (session, { arguments: [end = ''] }) => {
      const report = await session.library.inspect(end, session.configuration.options(), session.context);
      await session.settle();
      await session.output.report(report, () => inspectText(report, session.output.style));
      return 0;
    },
  );
}
