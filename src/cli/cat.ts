import type { Command } from 'commander';
import type { CatOptions } from './library.ts';
import { Chunks } from './print/rows.ts';
import { addVerb, type Shell } from './verb.ts';

/** `cat`: the items of a table, rebuilt. */
export function addCat(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'cat',
      arguments: [['<target>', 'a table']],
      summary: 'print the items of a table, one a line, as they were in DynamoDB',
      groups: ['resources', 'catalog', 'aws', 'output'],
      // Its output is lines of data, not one document: --as json says what --json cannot.
      without: ['json', 'batchSize'],
      own: {
        as: {
          kind: 'choice',
          group: 'output',
          placeholder: 'FORM',
          choices: ['ddb-json', 'json'],
          default: 'ddb-json',
          help: 'a line of a full export {"Item":{…}}, or plain JSON with exact numbers',
        },
        limit: {
          kind: 'count',
          group: 'output',
          placeholder: 'N',
          min: 0,
          default: 'all',
          help: 'how many items to print',
        },
      },
      examples: ['tailrace cat ./lake/orders --limit 3', 'tailrace cat s3://lake/orders --as json | jq .status'],
    },
    shell,
    async (session, { arguments: [target = ''], own }) => {
      const { stdout } = session.world;
      const limit = own['limit'];
      const options: CatOptions = {
        ...session.configuration.options(),
        as: own['as'] === 'json' ? 'json' : 'ddb-json',
        ...(typeof limit === 'number' ? { limit } : {}),
      };
      const out = new Chunks(stdout);
      for await (const lines of session.library.cat(target, options, session.context)) {
        if (stdout.closed) break;
        await out.add(lines.endsWith('\n') ? lines : `${lines}\n`);
      }
      await out.flush();
      return 0;
    },
  );
}
