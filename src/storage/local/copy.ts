import { constants } from 'node:fs';
import { copyFile as copyBytes, link, open, realpath, rename, rm } from 'node:fs/promises';
import { errno } from './errors.ts';
import { temporaryPath } from './files.ts';
import { isWithoutLinks } from './lock.ts';

/** Gives a file another name as well, or its copy where the file system cannot; what had that name is replaced. */
export async function linkOrCopy(from: string, path: string): Promise<void> {
  // A symbolic link would be linked itself, and break when its target moves.
  const source = await realpath(from);
  const temporary = temporaryPath(path);
  try {
    await link(source, temporary);
  } catch (error) {
    if (!isWithoutLinks(error) && errno(error) !== 'EXDEV') throw error;
    await copyFile(source, path);
    return;
  }
  try {
    await rename(temporary, path);
  } finally {
    // A rename between two names of one file does nothing, and leaves both.
    await rm(temporary, { force: true });
  }
}

/** Copies a file's bytes, durably; under its own name the copy is always whole. */
export async function copyFile(from: string, path: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await copyBytes(from, temporary, constants.COPYFILE_FICLONE);
    const file = await open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
