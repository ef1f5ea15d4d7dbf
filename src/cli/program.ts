import { Command } from 'commander';
import { addCat } from './cat.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addInspect } from './inspect.ts';
import { addLater } from './later.ts';
import { addLoad } from './load.ts';
import { addMaintain } from './maintain.ts';
import { addQuery } from './query.ts';
import { addSchema } from './schema.ts';
import { addPlan, addSync } from './sync.ts';
import { usageError } from './usage.ts';
import type { Shell } from './verb.ts';

/** The whole command: its verbs, with help on stdout and errors as ours. */
export function buildProgram(shell: Shell): Command {
  const program = new Command('tailrace');
  program.description(
    'DynamoDB tables in your data lake: exports become Iceberg and Parquet tables, with nothing lost.',
  );
  program
    .usage('<verb> [options]')
    .option('-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false);
  addSync(program, shell);
  addPlan(program, shell);
  addSchema(program, shell);
  addQuery(program, shell);
  addCat(program, shell);
  addInspect(program, shell);
  addLoad(program, shell);
  addDoctor(program, shell);
  addMaintain(program, shell);
  addDemo(program, shell);
  addLater(program);
  program.addHelpText('after', HELP_END);
  for (const command of withSubcommands(program)) configure(command, shell);
  return program;
}

const HELP_END = `
Examples:
  $ tailrace demo
  $ tailrace sync ./export ./lake/orders --key pk,sk
  $ tailrace query ./lake/orders "select count(*) from t"

\`tailrace <verb> --help\` shows a verb's options. Every option is also a key of tailrace.yaml
(--memory-limit: memoryLimit) and an environment variable (TAILRACE_MEMORY_LIMIT).
Exit codes: 0 done or unchanged, 2 usage or configuration, 3 bad input, 4 refused by the ledger,
5 conflict or unknown outcome of a commit, 6 access denied or unreachable, 130 interrupted, 1 anything else.
`;

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* withSubcommands(child);
}

function configure(command: Command, shell: Shell): void {
  const { stdout } = shell.world;
  command.configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => Math.max(60, Math.min(stdout.columns, 110)),
  });
  command.showSuggestionAfterError(false);
  command.exitOverride((refusal) => {
    // Help and version end the parse by an error with exit code 0; they are no refusals.
    throw refusal.exitCode === 0 ? refusal : usageError(refusal, command);
  });
}
