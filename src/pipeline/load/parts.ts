import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { Duck } from '../../engine/duckdb/instance.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { Ledger } from '../../model/table.ts';
import type { Export } from '../../source/port.ts';
import type { Storage } from '../../storage/port.ts';
import type { OpenTarget } from '../ends/open.ts';
import { stateDir } from '../ends/workspace.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Journal } from './journal.ts';

/** What the steps of one run share. */
export interface RunParts {
  readonly source: Storage;
  readonly target: OpenTarget;
  /** Options as given; what a table keeps of its own is added by each step. */
  readonly given: SyncOptions;
  readonly context: RunContext;
  readonly reporter: Reporter;
  readonly duck: Duck;
  readonly workDir: string;
}

/** What a ledger says of the DynamoDB table, from its first load on. */
export function ledgerTable(
  from: Pick<Export, 'tableArn' | 'tableId'>,
  mode: Ledger['mode'],
): Pick<Ledger, 'tableArn' | 'tableId' | 'mode'> {
  return {
    tableArn: from.tableArn,
    tableId: from.tableId,
    ...(mode === undefined || mode === 'mirror' ? {} : { mode }),
  };
}

/** Where the rejected items of an export go. */
export function rejectsDirOf({ given, target }: RunParts, from: Export): string {
  return join(given.rejects ?? join(stateDir(target.table.location), 'rejects'), basename(from.exportArn));
}

/** Names a load by all that its result depends on: the same command on the same table goes on with the same load. */
export function loadIdOf(plan: readonly unknown[]): string {
  const hex = createHash('sha256').update(JSON.stringify(plan)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The options that decide how rows come out. */
export function layoutOptions({
  schema,
  partition,
  sort,
  targetFileSizeBytes,
  batchBytes,
}: SyncOptions): readonly unknown[] {
  return [schema, partition, sort, targetFileSizeBytes, batchBytes];
}

/** The table is as it should be, whatever becomes of the journal beside it. */
export async function removeJournal(journal: Journal, reporter: Reporter): Promise<void> {
  await journal
    .remove()
    .catch((cause: unknown) =>
      reporter.warn('journal-left', `The journal of the load could not be removed: ${String(cause)}`),
    );
}
