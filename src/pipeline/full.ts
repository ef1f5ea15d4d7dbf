import { randomBytes } from 'node:crypto';
import { TailraceError } from '../model/errors.ts';
import { withFullExport } from '../model/ledger.ts';
import type { StagedCommit, TableOptions, TableState } from '../model/table.ts';
import type { FullExport } from '../source/port.ts';
import { commit } from './commit.ts';
import { Journal } from './journal.ts';
import type { Kept } from './keep.ts';
import { Learner } from './learner.ts';
import { linesOf } from './lines.ts';
import { Loader, type LoadResult } from './load.ts';
import { resolveKey } from './open.ts';
import { layoutOptions, ledgerTable, loadIdOf, type RunParts, rejectsDirOf, removeJournal } from './parts.ts';
import { unseenNames } from './unseen.ts';

/** Loads a full export into a new table, or in place of all rows of the one that is there. */
export async function applyFull(
  parts: RunParts,
  from: FullExport,
  base: TableState | undefined,
  kept: Kept,
): Promise<void> {
  const { source, target, given, context, reporter, duck, workDir } = parts;
  const { options, file } = kept;
  reporter.export(from);
  const key = await resolveKey(options, file, base, { storage: source, export: from }, context);
  reporter.key(key);
  const schema = { ...options.schema, key };
  const settled = { ...options, schema };
  const commitId = loadIdOf([
    from.exportArn,
    from.digest,
    target.table.location,
    base?.snapshot ?? null,
    ...layoutOptions(settled),
    file ?? null,
  ]);
  const learner = new Learner({
    schema,
    partition: options.partition,
    sort: options.sort,
    recorded: base?.schema,
    file,
    lines: linesOf(from, schema, base?.schema),
  });
  const journal = new Journal(target.storage, target.key, commitId);
  const rejectsDir = rejectsDirOf(parts, from);
  const loader = new Loader({
    duck,
    source,
    export: from,
    target: target.storage,
    table: target.table,
    learner,
    journal,
    commitId,
    runId: randomBytes(4).toString('hex'),
    options: settled,
    workDir,
    rejectsDir,
    context,
  });
  const loaded = await reporter.timed('load', () => loader.run());
  reporter.loaded(loaded, rejectsDir, options);
  checkKey(options.schema.key, loaded, rejectsDir);
  const seen = { learner, layout: loaded.layout, files: loaded.files };
  if (loaded.read > 0) for (const { code, text } of unseenNames(given.schema, file, seen)) reporter.warn(code, text);
  const staged = stage(from, base, loaded, kept.recorded, commitId, options.mode);
  const outcome = await reporter.timed('commit', () => commit(target, staged, base, context));
  reporter.committed(staged, outcome);
  await removeJournal(journal, reporter);
}

/** When not one item has the key that the user named, it is the key that is wrong, not the items. */
export function checkKey(key: readonly string[], { read, rejected }: LoadResult, rejectsDir: string): void {
  if (key.length === 0 || read === 0 || rejected < read) return;
  throw new TailraceError('USAGE', 'No item could be loaded with the key that was named.', {
    place: '--key',
    expected: 'the key attributes of the table, partition key first',
    found: key.join(','),
    hint: `Correct --key; the reason for each item stands in ${rejectsDir}.`,
  });
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
