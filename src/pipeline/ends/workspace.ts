import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import { makeFolders } from '../../storage/local/folders.ts';

/** A run's folder for temporary files; gone when the run ends, however it ends. */
export interface Workspace {
  readonly dir: string;
  close(): Promise<void>;
}

/** Makes a fresh folder below `tempDir`, or below the system's temporary folder. */
export async function openWorkspace(tempDir: string | undefined): Promise<Workspace> {
  const parent = resolve(tempDir ?? tmpdir());
  try {
    await makeFolders(parent);
    const dir = await mkdtemp(join(parent, 'tailrace-'));
    return { dir, close: () => rm(dir, { recursive: true, force: true }) };
  } catch (cause) {
    throw new TailraceError('ACCESS_DENIED', `No temporary folder can be made in ${parent}.`, {
      place: parent,
      cause,
      hint: 'Name a folder that can be written to with --temp-dir.',
    });
  }
}

/** Where rejected items of loads into this target go by default: with the user's state, outside the table. */
export function stateDir(targetUri: string): string {
  const base = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(base, 'tailrace', createHash('sha256').update(targetUri).digest('hex').slice(0, 16));
}
