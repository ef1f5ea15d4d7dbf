import type { Command } from 'commander';
import { inspectText } from './print/inspect-text.ts';
import { addVerb, type Shell } from './verb.ts';

/** `inspect`: what lies at an end, from its metadata alone. */
export function addInspect(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'inspect',
      arguments: [
        ['<end>', 'an export, a folder above many, a table, dynamodb:<name or ARN>, or a catalog (iceberg:<catalog>)'],
      ],
      summary: 'say what lies at a place: exports and how they link, a table and what its ledger holds',
      groups: ['catalog', 'aws', 'output'],
      with: ['rcu', 'consistent', 'prices'],
      examples: [
        'tailrace inspect ./export',
        'tailrace inspect s3://lake/orders --json',
        'tailrace inspect iceberg:prod',
        'tailrace inspect dynamodb:orders',
      ],
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
