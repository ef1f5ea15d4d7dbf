import type { Command } from 'commander';
import { ERROR_CODES, TailraceError } from '../model/errors.ts';
import type { ColumnChange } from './library.ts';
import { reportError } from './print/error-text.ts';
import { evolveText } from './print/evolve-text.ts';
import { addVerb, type Call, type OwnFlags, type Shell } from './verb.ts';

const FLAGS: OwnFlags = {
  column: {
    kind: 'texts',
    group: 'schema',
    placeholder: 'NAME',
    help: 'column, attribute, or path within one (address.zip, lines[].price); may be repeated',
  },
  type: {
    kind: 'texts',
    group: 'schema',
    placeholder: 'TYPE',
    help: 'its new type, as in schema files; auto: the one that a load would take. Repeated: one for each column, in order',
  },
  split: { kind: 'switch', group: 'schema', help: 'a column for each type of value: price_s, price_n' },
  unrescue: {
    kind: 'switch',
    group: 'schema',
    help: 'leave the columns as they are, and move what fits them out of _rescued; without --column, of all',
  },
  allowRescue: {
    kind: 'switch',
    group: 'schema',
    default: 'false',
    help: 'values that do not fit the new type go to _rescued; without it such a change is refused',
  },
};

/** `schema evolve`: columns of a table changed on request. */
export function addEvolve(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'evolve',
      arguments: [['<target>', 'a table']],
      summary: 'change columns of a table: their type, or a column for each type; no item changes, nothing is rounded',
      groups: ['resources', 'catalog', 'aws', 'output'],
      with: ['targetFileSize', 'sse', 'sseKmsKeyId', 'dryRun'],
      without: ['batchSize'],
      own: FLAGS,
      examples: [
        "tailrace schema evolve ./lake/orders --column price --type 'decimal(18,2)' --dry-run",
        'tailrace schema evolve ./lake/orders --column created_at --type timestamp',
        'tailrace schema evolve s3://lake/orders --column price --split',
        'tailrace schema evolve ./lake/orders --unrescue',
      ],
    },
    shell,
    async (session, call) => {
      const { output, library, context, configuration } = session;
      const [target = ''] = call.arguments;
      const options = { ...configuration.options(), allowRescue: call.own['allowRescue'] === true };
      const report = await library.evolveSchema(target, changesOf(call), options, context);
      await session.settle();
      if (report.error !== undefined) await output.error(report.error, report.error);
      const shown =
        report.error === undefined ? report : { ...report, error: reportError(report.error, output.redact) };
      await output.report(shown, () => evolveText(shown, output.style));
      return report.outcome === 'failed' ? ERROR_CODES[report.error?.code ?? 'INTERNAL'].exit : 0;
    },
  );
}

function changesOf({ own }: Call): ColumnChange[] {
  const columns = (own['column'] ?? []) as readonly string[];
  const types = (own['type'] ?? []) as readonly string[];
  const [split, unrescue] = [own['split'] === true, own['unrescue'] === true];
  if ([types.length > 0, split, unrescue].filter(Boolean).length !== 1) {
    throw usage('One of --type, --split and --unrescue says what to do.', 'one of --type, --split and --unrescue');
  }
  if (unrescue && columns.length === 0) return [{ unrescue: true }];
  if (columns.length === 0) throw usage('Nothing says which column to change.', '--column NAME');
  if (unrescue) return columns.map((column) => ({ column, unrescue: true }));
  if (split) return columns.map((column) => ({ column, split: true }));
  if (types.length !== 1 && types.length !== columns.length) {
    const found = `${columns.length} columns and ${types.length} types`;
    throw usage('Each column needs its type.', 'one --type for all columns, or one for each, in their order', found);
  }
  return columns.map((column, i) => ({ column, type: types[i] ?? types[0] ?? '' }));
}

function usage(message: string, expected: string, found?: string): TailraceError {
  return new TailraceError('USAGE', message, {
    place: 'tailrace schema evolve',
    expected,
    ...(found === undefined ? {} : { found }),
    hint: 'See `tailrace schema evolve --help`; `tailrace schema show` explains the columns that are there.',
  });
}
