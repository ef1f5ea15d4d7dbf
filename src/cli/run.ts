import { CommanderError } from 'commander';
import { TailraceError } from '../model/errors.ts';
import { buildProgram } from './program.ts';
import { Output } from './session.ts';
import { afterSignal, type Shell } from './verb.ts';
import type { World } from './world.ts';

/** Runs the command with the words after its name. Resolves to the exit code; all errors are printed. */
export async function runCommand(words: readonly string[], world: World): Promise<number> {
  const output = new Output(world, wantsJson(words, world.env));
  const shell: Shell = { world, output, exitCode: 0 };
  const program = buildProgram(shell);
  try {
    if (lacksVerb(words)) {
      if (output.json) throw new TailraceError('USAGE', 'No verb is named.', { hint: 'See `tailrace --help`.' });
      program.outputHelp();
      return 0;
    }
    await program.parseAsync(words[0] === 'help' ? [...words.slice(1), '--help'] : words, { from: 'user' });
    return shell.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // The reader of a pipe has gone (`| head`): whatever came of that is no failure.
    if (world.stdout.closed && world.stdout.failure === undefined) return 0;
    return output.failure(afterSignal(thrown, world.signal));
  }
}

function lacksVerb(words: readonly string[]): boolean {
  return words.every((word) => word === '--json');
}

/** Whether errors must be JSON, too, known before anything is parsed that could fail. */
export function wantsJson(words: readonly string[], env: World['env']): boolean {
  const end = words.indexOf('--');
  const flags = words
    .slice(0, end < 0 ? words.length : end)
    .filter((word) => word === '--json' || word === '--no-json');
  return flags.length > 0 ? flags.at(-1) === '--json' : ['true', '1'].includes(env['TAILRACE_JSON'] ?? '');
}
