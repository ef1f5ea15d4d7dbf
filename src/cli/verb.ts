import { type Command, Option } from 'commander';
import { flagOf, type OptionGroup, type OptionSpec } from '../config/option-spec.ts';
import { OPTION_ENTRIES } from '../config/options.ts';
import { parseValue, showValue } from '../config/values.ts';
import { asTailraceError, TailraceError } from '../model/errors.ts';
import { type Output, openSession, type Session } from './session.ts';
import type { World } from './world.ts';

const GROUP_TITLES: Readonly<Record<OptionGroup, string>> = {
  schema: 'Schema:',
  layout: 'Table layout:',
  run: 'The run:',
  scan: 'Reading a table itself:',
  resources: 'Resources:',
  catalog: 'Catalogs:',
  aws: 'AWS and S3-compatible stores:',
  output: 'Output and configuration:',
};

export type OwnFlags = Readonly<Record<string, OptionSpec>>;

/** What a verb is, beside what it does. */
export interface VerbSpec {
  readonly name: string;
  /** Arguments in commander's notation: `<source>`, `[target]`. */
  readonly arguments: readonly (readonly [form: string, help: string])[];
  readonly summary: string;
  readonly groups: readonly OptionGroup[];
  /** Options of other groups. */
  readonly with?: readonly string[];
  /** Options of a group that mean nothing here. */
  readonly without?: readonly string[];
  /** Flags that only this verb has; those of load are keys of `load:` in tailrace.yaml, others are no keys. */
  readonly own?: OwnFlags;
  readonly examples: readonly string[];
}

export interface Call {
  readonly arguments: readonly (string | undefined)[];
  /** Values of the verb's own flags, checked. */
  readonly own: Readonly<Record<string, unknown>>;
}

export type VerbAction = (session: Session, call: Call) => Promise<number>;

/** What the verbs share within one call of the command. */
export interface Shell {
  readonly world: World;
  readonly output: Output;
  exitCode: number;
}

/** Adds a verb with its options, help and examples. Its action runs with the configuration read. */
export function addVerb(parent: Command, spec: VerbSpec, shell: Shell, action: VerbAction): Command {
  const command = parent.command(spec.name).description(spec.summary);
  for (const [form, help] of spec.arguments) command.argument(form, help);
  for (const [key, own] of Object.entries(spec.own ?? {})) addOption(command, key, own, 'Options:');
  for (const [key, option] of OPTION_ENTRIES) {
    const wanted = spec.groups.includes(option.group) || spec.with?.includes(key) === true;
    if (!wanted || spec.without?.includes(key) === true) continue;
    addOption(command, key, option, GROUP_TITLES[option.group]);
  }
  command.addOption(
    new Option('--config <FILE>', 'configuration file (default: ./tailrace.yaml, if there is one)').helpGroup(
      GROUP_TITLES.output,
    ),
  );
  command.helpOption('-h, --help', 'show this help');
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  $ ${line}`).join('\n')}\n`);
  command.action(async (...received: unknown[]) => {
    const flags = command.opts<Record<string, unknown>>();
    const values = command.args.length > spec.arguments.length ? [] : received.slice(0, spec.arguments.length);
    const own = checkedOwn(spec.own ?? {}, flags);
    const session = await openSession(shell.world, shell.output, flags);
    try {
      shell.exitCode = await action(session, { arguments: values as (string | undefined)[], own });
    } finally {
      await session.settle();
    }
  });
  return command;
}

/** A flag in all its forms. Every switch has a --no- form, so that a flag can undo what the file says. */
function addOption(command: Command, key: string, spec: OptionSpec, title: string): void {
  const flag = flagOf(key);
  const choices = spec.choices === undefined ? '' : `; one of ${spec.choices.join(', ')}`;
  const standard = spec.default === undefined ? '' : ` (default: ${spec.default})`;
  const option = new Option(formOf(flag, spec), `${spec.help}${choices}${standard}`).helpGroup(title);
  if (spec.preset !== undefined) option.preset(spec.preset);
  if (['names', 'clauses', 'texts', 'definitions'].includes(spec.kind)) {
    option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
  }
  command.addOption(option);
  if (spec.kind === 'switch' || spec.none === true)
    command.addOption(new Option(flag.replace('--', '--no-')).hideHelp());
}

function formOf(flag: string, { kind, placeholder = 'VALUE', preset }: OptionSpec): string {
  if (kind === 'switch') return flag;
  return preset === undefined ? `${flag} <${placeholder}>` : `${flag} [${placeholder}]`;
}

function checkedOwn(specs: OwnFlags, flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(specs)) {
    const given = flags[key];
    if (given === undefined) continue;
    // A repeated --sets is one list, and each of them may hold commas.
    const raw = Array.isArray(given) && spec.kind === 'names' ? given.join(',') : given;
    const parsed = parseValue(spec, raw);
    if (!parsed.ok) {
      throw new TailraceError('USAGE', `${flagOf(key)} cannot be ${showValue(raw)}.`, {
        expected: parsed.expected,
        found: showValue(raw),
        place: flagOf(key),
        ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
      });
    }
    values[key] = parsed.value;
  }
  return values;
}

/** An error that a Ctrl-C caused is told as the interruption that it is. */
export function afterSignal(thrown: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || asTailraceError(thrown).code !== 'INTERNAL') return thrown;
  return new TailraceError('INTERRUPTED', 'The run was interrupted; the table is as it was.', {
    hint: 'Run the same command again: it goes on where it stopped.',
    cause: thrown,
  });
}
