import { appendFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../storage/local/folders.ts';
import type { Reject } from '../port.ts';
import { cutMembers } from './cut.ts';
import { writeFault } from './write.ts';

export const REJECTS_FILE = 'rejects.jsonl';
const BATCH_CHARS = 4 * 1024 * 1024;
const LEFT_OUT = 'text left out: it cannot be told where the excluded attributes lie';

/**
 * Appends rejects to `<dir>/rejects.jsonl`, one JSON object a line, and gives the file's path. They hold people's
 * data: the folder is the owner's alone. Attributes in `exclude` do not reach the disk.
 */
export async function appendRejects(
  dir: string,
  rejects: Iterable<Reject>,
  options: { readonly exclude?: readonly string[] } = {},
): Promise<string> {
  const path = join(dir, REJECTS_FILE);
  const exclude = new Set(options.exclude ?? []);
  try {
    await makeFolders(dir, 0o700);
    await chmod(dir, 0o700);
    let text = '';
    for (const reject of rejects) {
      text += `${JSON.stringify(withoutExcluded(reject, exclude))}\n`;
      if (text.length < BATCH_CHARS) continue;
      await appendFile(path, text, { mode: 0o600 });
      text = '';
    }
    await appendFile(path, text, { mode: 0o600 });
    await chmod(path, 0o600);
  } catch (thrown) {
    throw writeFault(thrown, path);
  }
  return path;
}

/** The reject without the excluded attributes; all else stands as it came. */
export function withoutExcluded(reject: Reject, exclude: ReadonlySet<string>): Reject {
  if (exclude.size === 0) return reject;
  const text = reject.encoding === 'utf8' ? cutMembers(reject.text, exclude) : undefined;
  if (text !== undefined) return { ...reject, text };
  return { ...reject, text: '', reason: `${reject.reason} (${LEFT_OUT})` };
}
