import { withFullExport } from '../../model/ledger.ts';
import type { StagedCommit, TableOptions, TableState } from '../../model/table.ts';
import type { FullExport } from '../../source/port.ts';
import type { Kept } from '../ends/keep.ts';
import { unseenNames } from '../learn/unseen.ts';
import { commit } from './commit.ts';
import type { LoadResult } from './load.ts';
import { ledgerTable, type RunParts, removeJournal } from './parts.ts';
import { prepareLoad } from './prepare.ts';

/** Loads a full export into a new table, or in place of all rows of the one that is there. */
export async function applyFull(
  parts: RunParts,
  from: FullExport,
  base: TableState | undefined,
  kept: Kept,
): Promise<void> {
  const { target, given, context, reporter } = parts;
  reporter.export(from);
  const load = await prepareLoad(parts, from, base, kept, { id: [base?.snapshot ?? null] });
  const { options, learner, journal, commitId } = load;
  reporter.key(options.schema.key);
  const loaded = await load.run();
  const seen = { learner, layout: loaded.layout, files: loaded.files };
  if (loaded.read > 0)
    for (const { code, text } of unseenNames(given.schema, kept.file, seen)) reporter.warn(code, text);
  const staged = stage(from, base, loaded, kept.recorded, commitId, options.mode);
  const outcome = await reporter.timed('commit', () => commit(target, staged, base, context));
  reporter.loaded(loaded, load.rejectsDir, options);
  reporter.committed(staged, outcome);
  await removeJournal(journal, reporter);
}

function stage(
  from: FullExport,
  base: TableState | undefined,
  loaded: LoadResult,
  options: TableOptions,
  commitId: string,
  mode: RunParts['given']['mode'],
): StagedCommit {
  const entry = {
    kind: 'full-export' as const,
    exportArn: from.exportArn,
    exportTime: from.exportTime,
    items: loaded.read,
    rejected: loaded.rejected,
    ...(loaded.filtered === 0 ? {} : { filtered: loaded.filtered }),
    ...(from.trusted ? { trustedManifest: true as const } : {}),
  };
  const { schema, partition, sort } = loaded.layout;
  return {
    operation: base === undefined ? 'create' : 'replace',
    schema,
    partition,
    sort,
    files: loaded.files,
    ledger: withFullExport(ledgerTable(from, mode), entry, commitId),
    options,
    commitId,
    timestampMs: Date.now(),
  };
}
