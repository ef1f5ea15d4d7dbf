/** Items read as they are now, piece by piece, into a table: what a scan does, with exports' files in place of pages. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSeenKeys } from '../../src/engine/duckdb/merge/state.ts';
import type { DeleteLimit, LoadMode } from '../../src/model/options.ts';
import type { StagedCommit, TableState } from '../../src/model/table.ts';
import { openEngine } from '../../src/pipeline/ends/engine.ts';
import { keepOptions } from '../../src/pipeline/ends/keep.ts';
import { openExports, openTarget } from '../../src/pipeline/ends/open.ts';
import { openWorkspace } from '../../src/pipeline/ends/workspace.ts';
import { fetchWhole } from '../../src/pipeline/files/fetched.ts';
import { tryCommit } from '../../src/pipeline/load/commit.ts';
import { keepOneFile } from '../../src/pipeline/load/no-rows.ts';
import { prepareLoad } from '../../src/pipeline/load/prepare.ts';
import { Reporter } from '../../src/pipeline/report/reporter.ts';
import { mergeItems, partitionsOf } from '../../src/pipeline/scan/state.ts';
import { openExport } from '../../src/source/export/open.ts';
import type { DdbItem } from '../data/ion.ts';
import { writeExport } from '../data/make-export.ts';
import type { LoadOptions, World } from '../faults/load.ts';
import { quiet } from './harness.ts';

export interface Run {
  readonly mode: LoadMode;
  readonly pieces: readonly (readonly DdbItem[])[];
  readonly fromMs?: number;
  readonly maxDelete?: DeleteLimit;
  /** The run stops before its last piece. */
  readonly stops?: boolean;
  /** Rows without items stay, as with a filter. */
  readonly keeps?: boolean;
}

export interface Came {
  readonly written: number;
  readonly unchanged: number;
  readonly removed: number;
  /** Files that the merge added to the table. */
  readonly files: number;
  readonly state: TableState;
}

const NOW = Date.parse('2026-03-02T00:00:00Z');
let exports = 0;

/** One run on a table that is there. */
export async function stateRun(world: World, target: string, run: Run, more: LoadOptions = {}): Promise<Came> {
  const options = world.options(more);
  const came = { written: 0, unchanged: 0, removed: 0, files: 0 };
  const opened = await openTarget(target, options, 'write');
  const workspace = await openWorkspace(options.tempDir);
  const duck = await openEngine(workspace, options);
  const [seen, partitions] = [[] as string[], new Set<string>()];
  let [items, rows] = [0, 0];
  try {
    for (const [index, piece] of run.pieces.entries()) {
      const last = index === run.pieces.length - 1;
      if (last && run.stops === true) break;
      const base = (await opened.table.load()) as TableState;
      const live = await opened.table.dataFiles();
      if (index === 0) rows = base.rows;
      const dir = await mkdtemp(join(world.dir, 'piece-'));
      const written = await writeExport(dir, {
        items: piece,
        exportTime: new Date(NOW + ++exports * 1000).toISOString(),
      });
      const source = await openExports(written.exportDir, options, quiet());
      const from = await openExport(source.storage, source.found[0]?.folder ?? '', {});
      const reporter = new Reporter('', target);
      const context = quiet();
      const parts = {
        source: source.storage,
        target: opened,
        given: options,
        context,
        reporter,
        duck,
        workDir: workspace.dir,
      };
      const kept = keepOptions(options, undefined, base, false);
      const load = await prepareLoad(parts, from, base, kept, { id: [base.snapshot ?? null, index] });
      const loaded = await load.run();
      items += loaded.read - loaded.rejected - loaded.filtered;
      const { layout } = loaded;
      const own = join(workspace.dir, `seen-${index}`);
      await mkdir(own);
      const placeOf = await fetchWhole(opened.storage, loaded.files, own, options.tempBudgetBytes, context.signal);
      const local = loaded.files.filter(({ rows }) => rows > 0).map(({ path }) => ({ path: placeOf(path) }));
      if (local.length > 0) {
        const path = join(own, 'keys.parquet');
        await writeSeenKeys(duck, layout.schema, local, path);
        seen.push(path);
      }
      for (const text of partitionsOf(layout, loaded.files)) partitions.add(text);
      const attemptId = `${load.runId}-1`;
      const merged = await mergeItems(
        {
          ...{ duck, target: opened, base, live, layout, puts: loaded.files.filter(({ rows }) => rows > 0) },
          ...{
            deletes: [],
            soft: kept.options.mode === 'soft',
            options: load.options,
            commitId: load.commitId,
            attemptId,
          },
          ...{ workDir: join(workspace.dir, attemptId), context },
        },
        {
          mode: run.mode,
          fromMs: run.fromMs ?? NOW,
          maxDelete: run.maxDelete ?? { share: 0.1 },
          rows,
          ...(last && run.keeps !== true ? { seen: { keys: seen, partitions, items } } : {}),
        },
      );
      const whole =
        opened.table.format === 'iceberg'
          ? merged
          : await keepOneFile(merged, live, layout, {
              ...{ duck, target: opened.storage, table: opened.table, commitId: load.commitId },
              ...{ runId: attemptId, workDir: workspace.dir, context },
            });
      const staged: StagedCommit = {
        operation: 'merge',
        ...{ schema: layout.schema, partition: layout.partition, sort: layout.sort },
        ...{ files: whole.files, removed: whole.removed, removedDeletes: whole.removedDeletes, deletes: whole.deletes },
        ledger: { ...(base.ledger as NonNullable<TableState['ledger']>), commitId: load.commitId },
        commitId: load.commitId,
        timestampMs: Date.now(),
      };
      const outcome = await tryCommit(opened, staged, base, context);
      if (outcome.kind !== 'committed') throw new Error(JSON.stringify(outcome));
      await load.journal.remove();
      came.written += merged.counts.written;
      came.unchanged += merged.counts.unchanged;
      came.removed += merged.rowsRemoved;
      came.files += whole.files.length;
      await source.storage.close();
    }
    return { ...came, state: (await opened.table.load()) as TableState };
  } finally {
    duck.close();
    await workspace.close();
    await opened.close();
  }
}
