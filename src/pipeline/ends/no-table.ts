import { TailraceError } from '../../model/errors.ts';

/** The error for a target that should be there. */
export function noTable(place: string): TailraceError {
  return new TailraceError('TARGET_NOT_FOUND', 'No table lies at the target.', {
    place,
    hint: 'tailrace sync <export> <target> makes one.',
  });
}
