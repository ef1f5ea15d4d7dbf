import { randomBytes } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { TableState } from '../../model/table.ts';
import type { Since } from '../../schema/filter/since.ts';
import type { Export } from '../../source/port.ts';
import type { Kept } from '../ends/keep.ts';
import { resolveKey } from '../ends/open.ts';
import type { Held } from '../learn/basis.ts';
import { Learner } from '../learn/learner.ts';
import { linesOf } from '../learn/lines.ts';
import type { GrowingFiles } from './feed.ts';
import { Journal } from './journal.ts';
import { Loader, type LoadResult } from './load.ts';
import { layoutOptions, loadIdOf, type RunParts, rejectsDirOf } from './parts.ts';

/** What of the table a load's result depends on. */
export interface Basis extends Held {
  /** Names it: a load that was killed is taken up while it is the same. */
  readonly id: readonly unknown[];
  /** The export's files, where they are still to come. */
  readonly growing?: GrowingFiles;
  readonly since?: Since;
}

/** A load that is about to begin, with its names and places. */
export interface PreparedLoad {
  /** With the key that was found. */
  readonly options: SyncOptions;
  readonly learner: Learner;
  readonly journal: Journal;
  readonly commitId: string;
  readonly runId: string;
  readonly rejectsDir: string;
  /** Reads the export into data files at the target. */
  run(): Promise<LoadResult>;
}

/** Finds the key, and names the load by all that its result depends on. */
export async function prepareLoad(
  parts: RunParts,
  from: Export,
  base: TableState | undefined,
  { options: kept, file }: Kept,
  basis: Basis,
): Promise<PreparedLoad> {
  const { source, target, context, reporter, duck, workDir } = parts;
  const key = await resolveKey(kept, file, base, { storage: source, export: from }, context);
  const schema = { ...kept.schema, key };
  const options = { ...kept, schema };
  reporter.filter(schema.filter);
  const commitId = loadIdOf([
    from.exportArn,
    from.digest,
    target.table.location,
    basis.id,
    ...layoutOptions(options),
    file ?? null,
  ]);
  const learner = new Learner({
    schema,
    partition: options.partition,
    sort: options.sort,
    recorded: basis.recorded ?? base?.schema,
    ...(basis.held === undefined ? {} : { held: basis.held }),
    file,
    lines: linesOf(from, schema, base?.schema),
    onDrift: options.onDrift,
    ...(basis.growing === undefined ? {} : { keepsRows: true }),
    ...(basis.since === undefined ? {} : { since: basis.since }),
  });
  const journal = new Journal(target.storage, target.key, commitId);
  const [runId, rejectsDir] = [randomBytes(4).toString('hex'), rejectsDirOf(parts, from)];
  const { storage, table } = target;
  const names = { journal, commitId, runId, rejectsDir };
  const loader = new Loader({
    ...{ duck, source, export: from, target: storage, table, learner, options, workDir, context },
    ...names,
    ...(basis.growing === undefined ? {} : { growing: basis.growing }),
  });
  const run = async (): Promise<LoadResult> => {
    const loaded = await reporter.timed('load', () => loader.run());
    checkKey(kept.schema.key, loaded, rejectsDir);
    return loaded;
  };
  return { options, learner, ...names, run };
}

/** When not one item has the key that the user named, it is the key that is wrong, not the items. */
function checkKey(key: readonly string[], { read, rejected }: LoadResult, rejectsDir: string): void {
  if (key.length === 0 || read === 0 || rejected < read) return;
  throw new TailraceError('USAGE', 'No item could be loaded with the key that was named.', {
    place: '--key',
    expected: 'the key attributes of the table, partition key first',
    found: key.join(','),
    hint: `Correct --key; the reason for each item stands in ${rejectsDir}.`,
  });
}
