import type { Merged } from '../window/merge.ts';
import type { Start } from './rows.ts';

/** Readers of a Parquet folder are sent on when so much of what they see came beside it. */
const GROWTH = 0.5;

/**
 * Whether a piece's commit into a Parquet table leaves readers where they are, and former files in their folders. A
 * folder for each piece would carry all former files each time, which grows with the square of their number; one for
 * each time that the table has grown by half carries three times the table at most. The end of the run sends them on in
 * any case.
 */
export function staysBehind(
  { base, live }: Start,
  { files, removed }: Pick<Merged, 'files' | 'removed'>,
  { complete, first }: { readonly complete: boolean; readonly first: boolean },
): boolean {
  if (base?.format !== 'parquet') return false;
  // Upkeep may still join files; the run brings them together behind it.
  if (complete) return !first;
  const folder = `${base.location}/${base.published ?? base.snapshot ?? ''}/`;
  const bytes = (some: readonly { readonly sizeBytes: number }[]): number =>
    some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const gone = new Set(removed);
  const staying = live.filter(({ path }) => !gone.has(path));
  const seen = bytes(staying.filter(({ path }) => path.startsWith(folder)));
  return bytes(staying) + bytes(files) - seen < GROWTH * seen;
}
