import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound } from '../../storage/port.ts';
import type { SourceFile } from '../port.ts';

/** The file was overwritten while it was read. */
export function replaced(file: SourceFile): TailraceError {
  return new TailraceError('DATA_CHECKSUM', `The data file ${file.manifestKey} was replaced while it was read.`, {
    expected: 'an export that does not change',
    place: file.manifestKey,
    hint: "Let nothing write to the export's folder, and run again.",
  });
}

/** What a failed read of a data file means to the user; what is already said stays as it is. */
export function fetchFault(thrown: unknown, file: SourceFile, signal: AbortSignal | undefined): unknown {
  if (thrown instanceof TailraceError) return thrown;
  if (signal?.aborted === true) return new TailraceError('INTERRUPTED', 'The run was interrupted.', { cause: thrown });
  const gone = thrown instanceof ObjectNotFound || (thrown as NodeJS.ErrnoException).code === 'ENOENT';
  if (!gone) return thrown;
  return new TailraceError('DATA_MISSING', `The data file ${file.manifestKey} is gone.`, {
    place: file.manifestKey,
    cause: thrown,
    hint: 'Copy it again from the export, and run again.',
  });
}
