import { join } from 'node:path';
import { TailraceError } from '../model/errors.ts';
import type { RunContext } from '../model/options.ts';
import type { Warning } from '../model/report.ts';
import type { TableState } from '../model/table.ts';
import { fetchHeads } from '../source/export/heads.ts';
import { sampleItems } from '../source/lines/sample.ts';
import type { Kept } from './ends/keep.ts';
import type { OpenSource } from './ends/open.ts';
import { openWorkspace } from './ends/workspace.ts';
import { type Layout, Learner } from './learn/learner.ts';

export interface Preview {
  readonly learner: Learner;
  /** Undefined where what was seen does not have a name that the options give; the whole export may. */
  readonly layout: Layout | undefined;
  /** Items that were looked at. */
  readonly items: number;
  readonly complete: boolean;
  readonly warnings: readonly Warning[];
}

const LINES_PER_FILE = 1_000;
const BYTES = 8 * 1024 * 1024;

/** The table that a run would make, as far as the beginnings of a few files tell. Nothing is written but to a temporary folder. */
export async function preview(
  source: Pick<OpenSource, 'storage' | 'export'>,
  { options, file }: Kept,
  key: readonly string[],
  base: TableState | undefined,
  context: RunContext,
): Promise<Preview> {
  const { partition, sort } = options;
  const learner = new Learner({ schema: { ...options.schema, key }, partition, sort, recorded: base?.schema, file });
  const workspace = await openWorkspace(options.tempDir);
  try {
    const heads = await fetchHeads(source.storage, source.export, join(workspace.dir, 'heads'), context.signal);
    const sinks = new Map(heads.paths.map((path) => [path, learner.sink(path)]));
    const { items, complete } = await sampleItems(heads.paths, {
      linesPerFile: LINES_PER_FILE,
      maxBytes: BYTES,
      sink: (item, path) => sinks.get(path)?.(item),
      signal: context.signal,
    });
    return { learner, items, complete: complete && heads.complete, ...layoutOf(learner, complete && heads.complete) };
  } finally {
    await workspace.close();
  }
}

/** A name that nothing has is a mistake where all was seen, and else may be one. */
function layoutOf(learner: Learner, complete: boolean): Pick<Preview, 'layout' | 'warnings'> {
  try {
    return { layout: learner.layout(), warnings: [] };
  } catch (thrown) {
    if (complete || !(thrown instanceof TailraceError) || thrown.code !== 'USAGE') throw thrown;
    return {
      layout: undefined,
      warnings: [{ code: 'layout-unsure', text: `By the items looked at: ${thrown.message}` }],
    };
  }
}
