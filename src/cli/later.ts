import type { Command } from 'commander';
import { TailraceError } from '../model/errors.ts';

/** Verbs that are named in the design but are not in this version. */
export const LATER_VERBS: Readonly<Record<string, string>> = {
  follow: 'keep a table up to date',
  verify: 'prove that a table equals its source',
};

/** Makes the verbs of later versions say so, where an unknown verb would suggest a slip. */
export function addLater(program: Command): void {
  for (const name of Object.keys(LATER_VERBS)) addOne(program, name);
}

function addOne(parent: Command, name: string): void {
  parent
    .command(name, { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      throw new TailraceError('USAGE', `\`tailrace ${name}\` is not in this version.`, {
        place: name,
        hint: 'See `tailrace --help` for what there is.',
      });
    });
}
