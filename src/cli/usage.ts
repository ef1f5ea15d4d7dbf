import type { Command, CommanderError } from 'commander';
import { closest } from '../config/closest.ts';
import { TailraceError } from '../model/errors.ts';

/** What commander refused, as one of our errors: what was found, what is allowed, and what was probably meant. */
export function usageError(refusal: CommanderError, command: Command): TailraceError {
  const found = /'([^']*)'/.exec(refusal.message)?.[1] ?? '';
  const words = commandWords(command);
  switch (refusal.code) {
    case 'commander.unknownOption':
      return unknownWord(
        `${words} has no option ${found}.`,
        found,
        flagsOf(command),
        words,
        optionHint(found, command),
      );
    case 'commander.unknownCommand':
      return unknownWord(`${words} has no verb ${found}.`, found, verbsOf(command), words);
    case 'commander.help':
      return unknownWord(`${words} needs a verb.`, '', verbsOf(command), words);
    case 'commander.missingArgument':
      return new TailraceError('USAGE', `${words} needs <${found}>.`, {
        place: words,
        hint: `Write \`${words} ${command.usage()}\`.`,
      });
    case 'commander.optionMissingArgument': {
      const flag = found.split(' ')[0] ?? found;
      return new TailraceError('USAGE', `${flag} needs a value.`, {
        expected: found,
        place: flag,
        hint: `See \`${words} --help\`.`,
      });
    }
    case 'commander.excessArguments':
      return new TailraceError('USAGE', `${words} takes fewer arguments.`, {
        expected: command.usage(),
        place: words,
        hint: 'Put names, specs and SQL with spaces in quotes.',
      });
    default:
      return new TailraceError('USAGE', `${refusal.message.replace(/^error: /, '').replace(/\.?$/, '.')}`, {
        place: words,
        hint: `See \`${words} --help\`.`,
        cause: refusal,
      });
  }
}

function unknownWord(
  message: string,
  found: string,
  allowed: readonly string[],
  place: string,
  hint?: string,
): TailraceError {
  const meant = closest(found, allowed);
  return new TailraceError('USAGE', message, {
    expected: `one of ${allowed.join(', ')}`,
    ...(found === '' ? {} : { found }),
    place,
    hint: meant === undefined ? (hint ?? `See \`${place} --help\`.`) : `Did you mean ${meant}?`,
  });
}

/** Options of the verbs are written after the verb; cat has a form of its own for JSON. */
function optionHint(found: string, command: Command): string | undefined {
  if (command.parent === null) return 'Options stand after the verb: `tailrace sync … --json`.';
  return command.name() === 'cat' && found === '--json' ? 'Did you mean --as json?' : undefined;
}

function commandWords(command: Command): string {
  return command.parent === null ? command.name() : `${commandWords(command.parent)} ${command.name()}`;
}

function verbsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((verb) => verb.name())
    .filter((name) => name !== 'help');
}

function flagsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => option.long ?? option.flags);
}
