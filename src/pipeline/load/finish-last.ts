import type { TableState } from '../../model/table.ts';
import type { OpenTarget } from '../ends/open.ts';
import type { Reporter } from '../report/reporter.ts';
import { Journal } from './journal.ts';
import { removeJournal } from './parts.ts';

/** A run that was killed right behind its commit left stray files, and the journal, with keys of deleted items. */
export async function finishLast(target: OpenTarget, base: TableState | undefined, reporter: Reporter): Promise<void> {
  if (base?.ledger === undefined) return;
  reporter.untidy(await target.table.tidy?.());
  reporter.behind(await target.table.show?.());
  await removeJournal(new Journal(target.storage, target.key, base.ledger.commitId), reporter);
}
