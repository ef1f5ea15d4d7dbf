import type { Command } from 'commander';
import { LOAD_OPTIONS, loadOptionsOf } from '../config/load-options.ts';
import { ERROR_CODES } from '../model/errors.ts';
import type { LoadReport } from '../model/load.ts';
import { reportError } from './print/error-text.ts';
import { loadText } from './print/load-text.ts';
import { type Redactor, redactor } from './print/redact.ts';
import { addVerb, type Shell } from './verb.ts';

/** `load`: items into a DynamoDB table. */
export function addLoad(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'load',
      arguments: [
        ['<input>', 'a file, s3://bucket/key, an address of an HTTP API, or - for stdin'],
        ['<target>', 'dynamodb:<table name or ARN>'],
      ],
      summary: 'put the items of a file or an HTTP API into a DynamoDB table',
      groups: ['aws', 'output'],
      with: ['key', 'exclude', 'strict', 'rejects', 'dryRun', 'tempDir', 'prices'],
      own: LOAD_OPTIONS,
      examples: [
        'tailrace load flowers.json dynamodb:flowers --create-table --key id',
        'tailrace load people.csv dynamodb:people --transform "cast(zip, string), now(loaded_at)" --wcu 200',
        "tailrace load 'https://api.example.com/flowers?key=${API_KEY}' dynamodb:flowers --items data --next-path meta.next",
      ],
    },
    shell,
    async (session, call) => {
      const { output, library, context, configuration, world } = session;
      const [input = '', target = ''] = call.arguments;
      const own = { ...configuration.load, ...call.own };
      output.redact = redactor(world.env, [...configuration.secretVariables, ...secretNames(input, own)]);
      const options = { ...configuration.options(), ...loadOptionsOf(own), env: world.env };
      const report = await library.load(input, target, options, context);
      await session.settle();
      if (report.error !== undefined) await output.error(report.error, report.error);
      const shown = withoutSecrets(report, output.redact);
      await output.report(shown, () => loadText(shown, output.style));
      return report.outcome === 'failed' ? ERROR_CODES[report.error?.code ?? 'INTERNAL'].exit : 0;
    },
  );
}

/** An API may repeat a secret in its items, of which a plan shows one, and an address may hold a login. */
function withoutSecrets(report: LoadReport, redact: Redactor): LoadReport {
  const { input, example, warnings, error } = report;
  return {
    ...report,
    input: redact.text(input),
    warnings: warnings.map(({ code, text }) => ({ code, text: redact.text(text) })),
    ...(example === undefined ? {} : { example: redact.text(example) }),
    ...(error === undefined ? {} : { error: reportError(error, redact) }),
  };
}

/** Variables that the address and the headers name hold secrets. */
function secretNames(input: string, own: Readonly<Record<string, unknown>>): string[] {
  const texts = [input, ...(Array.isArray(own['header']) ? own['header'].map(String) : [])];
  return texts.flatMap((text) => [...text.matchAll(/\$\{([A-Za-z_]\w*)\}/g)].map(([, name = '']) => name));
}
