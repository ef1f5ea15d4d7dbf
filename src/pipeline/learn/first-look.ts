import { type Sample, sampleItems } from '../../source/lines/sample.ts';
import type { Export, LocalFile } from '../../source/port.ts';
import type { Learner } from './learner.ts';
import { sampleSink } from './refusals.ts';

/** Lines looked at before the first write. Small exports are known whole; others are guessed, and the load proves it. */
const SAMPLE_LINES = 5_000;
/** Lines of a larger window: the table knows most of what its items have. */
const WINDOW_SAMPLE_LINES = 1_000;
const SAMPLE_BYTES = 6 * 1024 * 1024;
const SAMPLE_FILES = 24;

/** Looks at the head of some files, so that the first write has a good guess. */
export function firstLook(
  from: Export,
  files: readonly LocalFile[],
  learner: Learner,
  signal: AbortSignal,
): Promise<Sample> {
  const withItems = files.filter((file) => file.source.itemCount > 0);
  const looked = Math.min(Math.max(withItems.length, 1), SAMPLE_FILES);
  return sampleItems(
    withItems.map((file) => file.path),
    {
      linesPerFile: Math.ceil(sampleLines(from) / looked),
      maxBytes: SAMPLE_BYTES,
      maxFiles: SAMPLE_FILES,
      sink: sampleSink(learner, files),
      rules: learner.lines,
      signal,
    },
  );
}

function sampleLines({ kind, itemCount }: Export): number {
  return kind === 'full' || itemCount <= SAMPLE_LINES ? SAMPLE_LINES : WINDOW_SAMPLE_LINES;
}
