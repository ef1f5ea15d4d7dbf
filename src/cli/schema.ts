import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { TailraceError } from '../model/errors.ts';
import type { SchemaReport } from '../model/report.ts';
import { addEvolve } from './evolve.ts';
import { columnsText } from './print/columns-text.ts';
import { warningLines } from './print/report-text.ts';
import { diffText, schemaText } from './print/schema-text.ts';
import { plural } from './print/units.ts';
import type { Session } from './session.ts';
import { addVerb, type Shell } from './verb.ts';

const TEXTS = { yaml: 'yaml', flat: 'flat', 'hive-ddl': 'hiveDdl' } as const satisfies Record<
  string,
  keyof SchemaReport
>;
type Format = keyof typeof TEXTS;

/** `schema infer|show|diff|evolve`. */
export function addSchema(parent: Command, shell: Shell): void {
  const schema = parent
    .command('schema')
    .description('infer, explain, compare and change schemas')
    .helpOption('-h, --help', 'show this help');
  schema.helpCommand(false);
  addInfer(schema, shell);
  addShow(schema, shell);
  addDiff(schema, shell);
  addEvolve(schema, shell);
}

function addInfer(schema: Command, shell: Shell): void {
  addVerb(
    schema,
    {
      name: 'infer',
      arguments: [['<source>', 'a full export, or dynamodb:<name or ARN>']],
      summary:
        'learn the schema of an export from all of its data, or of a table from a sample, and write it as a file to edit',
      groups: ['schema', 'resources', 'aws', 'output'],
      with: ['rcu', 'consistent'],
      own: {
        sample: {
          kind: 'count',
          group: 'run',
          placeholder: 'N',
          min: 1,
          default: '10000',
          help: 'of a table itself: items to read, at the pace of --rcu; 64 MB of them are enough in any case',
        },
        whole: {
          kind: 'switch',
          group: 'run',
          default: 'false',
          help: 'of a table itself: read all items, within --temp-budget',
        },
        format: {
          kind: 'choice',
          group: 'output',
          placeholder: 'FORMAT',
          choices: Object.keys(TEXTS),
          default: 'yaml',
          help: 'form of the schema',
        },
        out: {
          kind: 'path',
          group: 'output',
          placeholder: 'FILE',
          default: 'stdout',
          help: 'local file to write the schema to',
        },
      },
      examples: [
        'tailrace schema infer ./export --out orders.schema.yaml',
        'tailrace schema infer s3://exports/orders --format hive-ddl',
        'tailrace schema infer dynamodb:orders --sample 50000 --rcu 100',
      ],
    },
    shell,
    async (session, { arguments: [source = ''], own }) => {
      const sample = own['whole'] === true ? ('whole' as const) : (own['sample'] as number | undefined);
      const options = { ...session.configuration.options(), ...(sample === undefined ? {} : { sample }) };
      const report = await session.library.inferSchema(source, options, session.context);
      await session.settle();
      const text = withNewline(report[TEXTS[(own['format'] ?? 'yaml') as Format]]);
      const out = own['out'];
      if (typeof out !== 'string') {
        await session.output.report(report, () => text);
        await warnOnStderr(session, report);
        return 0;
      }
      await writeWhole(path.resolve(session.world.cwd, out), out, text);
      await session.output.report(report, () => {
        const lines = [
          `Wrote ${out}: ${columnsText(report.columns)} from ${plural(report.items, 'item')}.`,
          ...warningLines(report.warnings, session.output.style),
          `Edit it, then load with \`--schema ${out}\`; \`tailrace schema show\` explains each decision.`,
        ];
        return `${lines.join('\n')}\n`;
      });
      return 0;
    },
  );
}

function addShow(schema: Command, shell: Shell): void {
  addVerb(
    schema,
    {
      name: 'show',
      arguments: [['<end>', 'a full export, a table, or dynamodb:<name or ARN>, of which a sample is read']],
      summary: 'explain each column: its type, where it comes from, and why, with counts and an example',
      groups: ['schema', 'resources', 'catalog', 'aws', 'output'],
      examples: ['tailrace schema show ./export', 'tailrace schema show ./lake/orders --json'],
    },
    shell,
    async (session, { arguments: [end = ''] }) => {
      const report = await session.library.showSchema(end, session.configuration.options(), session.context);
      await session.settle();
      await session.output.report(report, () => schemaText(report, session.output.style));
      return 0;
    },
  );
}

function addDiff(schema: Command, shell: Shell): void {
  addVerb(
    schema,
    {
      name: 'diff',
      arguments: [
        ['<a>', 'an export, a table, dynamodb:<name or ARN>, or a schema file'],
        ['<b>', 'another'],
      ],
      summary: 'say what would have to change in one schema to become another',
      groups: ['schema', 'resources', 'catalog', 'aws', 'output'],
      examples: [
        'tailrace schema diff ./lake/orders ./export',
        'tailrace schema diff orders.schema.yaml ./export --json',
      ],
    },
    shell,
    async (session, { arguments: [a = '', b = ''] }) => {
      const diff = await session.library.diffSchema(a, b, session.configuration.options(), session.context);
      await session.settle();
      await session.output.report(diff, () => diffText(diff, session.output.style));
      return 0;
    },
  );
}

/** The schema itself is the output; its warnings must not stand in it. */
async function warnOnStderr({ output, world }: Session, report: SchemaReport): Promise<void> {
  if (!output.json)
    await world.stderr.write(
      warningLines(report.warnings, output.style)
        .map((line) => `${line}\n`)
        .join(''),
    );
}

/** Writes a file in one step, so that a schema is never half there. */
async function writeWhole(file: string, named: string, text: string): Promise<void> {
  if (named.includes('://')) {
    throw new TailraceError('USAGE', `--out cannot be '${named}'.`, {
      expected: 'a local file',
      place: '--out',
      hint: 'Write a local file and copy it.',
    });
  }
  const partial = `${file}.${process.pid}.part`;
  try {
    await writeFile(partial, text, { flag: 'wx' });
    await rename(partial, file);
  } catch (cause) {
    throw new TailraceError('USAGE', `The schema cannot be written to ${named}.`, {
      found: cause instanceof Error ? cause.message : String(cause),
      place: '--out',
      hint: 'Name a file in a folder that exists and may be written.',
      cause,
    });
  }
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
