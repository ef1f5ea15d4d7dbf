import type { Command } from 'commander';
import { asTailraceError } from '../model/errors.ts';
import { reportError } from './print/error-text.ts';
import { printCsv, printJson, printTable } from './print/rows.ts';
import { plural } from './print/units.ts';
import { addVerb, afterSignal, type Shell } from './verb.ts';

/** `query`: SQL on a table, which is called t. */
export function addQuery(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'query',
      arguments: [
        ['<target>', 'a table'],
        ['<sql>', 'a query in which the table is called t'],
      ],
      summary: 'run SQL on a table: an aligned table on a terminal, CSV elsewhere, an array of objects with --json',
      groups: ['resources', 'catalog', 'aws', 'output'],
      without: ['batchSize'],
      examples: [
        'tailrace query ./lake/orders "select status, count(*) from t group by all"',
        'tailrace query s3://lake/orders "select * from t limit 10" --json',
      ],
    },
    shell,
    async (session, { arguments: [target = '', sql = ''] }) => {
      const { output, world } = session;
      const result = await session.library.query(target, sql, session.configuration.options(), session.context);
      await session.settle();
      try {
        if (output.json) {
          const end = await printJson(result.columns, result.rows, world.stdout, (thrown) =>
            JSON.stringify({ error: reportError(asTailraceError(afterSignal(thrown, world.signal)), output.redact) }),
          );
          if (end === undefined) return 0;
          const thrown = afterSignal(end.brokenBy, world.signal);
          await output.error(thrown);
          return asTailraceError(thrown).exitCode;
        }
        if (!world.stdout.isTerminal) {
          await printCsv(result.columns, result.rows, world.stdout);
          return 0;
        }
        const rows = await printTable(result.columns, result.rows, world.stdout, output.style);
        await world.stdout.write(`${output.style.dim(plural(rows, 'row'))}\n`);
        return 0;
      } finally {
        await result.close();
      }
    },
  );
}
