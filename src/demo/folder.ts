import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../model/errors.ts';

const MARKER = '.tailrace-demo';
/** All that a demo ever writes into its folder, and so all that it ever deletes. */
const OURS = ['exports', 'tables'];

/** Makes the demo's folder fresh. Only what an earlier demo wrote is deleted; a folder of somebody else is refused. */
export async function freshDemoFolder(dir: string): Promise<void> {
  const found = await lstat(dir).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) throw refusal(dir, 'something that is not a folder');
  const names = found === undefined ? [] : await readdir(dir);
  if (names.length > 0 && !names.includes(MARKER))
    throw refusal(dir, `a folder with ${names.length} entries of its own`);
  for (const name of OURS) await rm(join(dir, name), { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await writeFile(
    join(dir, MARKER),
    'Written by `tailrace demo`, which deletes its exports and tables here when it runs again.\n',
  );
}

function refusal(dir: string, found: string): TailraceError {
  return new TailraceError('USAGE', 'The demo writes only into a new folder, an empty one, or one that a demo made.', {
    expected: 'a folder made by an earlier demo, or none',
    found,
    place: dir,
    hint: 'Name another folder, or move away what is there.',
  });
}
