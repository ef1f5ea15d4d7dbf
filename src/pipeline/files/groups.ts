/** Data files that are written anew a few at a time, because what is fetched and what is written lie on this machine's disk. */
import type { LiveFile } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import { isRemote, overBudget } from './fetched.ts';

/** Bytes of a group, however large the budget is: enough for whole files of the usual size. */
const GROUP_BYTES = 1_000_000_000;
/** Files of a partitioned table that are written at a time: the engine holds a buffer for each partition that is open. */
const GROUP_FILES = 16;

/** Files in groups, those of a partition side by side; a group may take half of the temporary budget, for it comes out as
 * large again. */
export function budgetGroups(
  files: readonly LiveFile[],
  tempBudgetBytes: number,
  partitionFields: number,
): LiveFile[][] {
  const most = Math.min(GROUP_BYTES, tempBudgetBytes / 2);
  const key = ({ partition, path }: LiveFile): string => `${partition.map(String).join('\u0000')}\u0000${path}`;
  const sorted = [...files].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const groups: LiveFile[][] = [];
  let bytes = 0;
  for (const file of sorted) {
    const last = groups.at(-1);
    const full =
      last === undefined || bytes + fetchedBytes(file) > most || (partitionFields > 0 && last.length >= GROUP_FILES);
    if (full) {
      groups.push([file]);
      bytes = fetchedBytes(file);
    } else {
      last.push(file);
      bytes += fetchedBytes(file);
    }
  }
  return groups;
}

/** Refuses files that do not fit the temporary budget each by itself, before any of them is written anew. */
export function checkEach(storage: Storage, files: readonly LiveFile[], tempBudgetBytes: number): void {
  for (const file of files) {
    const bytes = fetchedBytes(file);
    if (bytes > tempBudgetBytes && isRemote(storage, file.path)) throw overBudget(file.path, tempBudgetBytes, bytes);
  }
}

/** A file with its position deletes. */
function fetchedBytes(file: LiveFile): number {
  return [file, ...(file.deletes ?? [])].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
