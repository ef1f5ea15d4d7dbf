import type { Storage } from '../../storage/port.ts';
import { eachOf } from '../files/fetched.ts';
import type { BatchRecord } from './journal.ts';

/** Files that are looked for at a time. */
const HEADS = 16;

/** Which of these batches name a file that is not there, or is another one. */
export async function goneBatches(
  target: Storage,
  records: ReadonlyMap<number, BatchRecord>,
  indexes: Iterable<number>,
): Promise<ReadonlySet<number>> {
  const gone = new Set<number>();
  const files = [...indexes].flatMap((index) => {
    const record = records.get(index);
    return [...(record?.files ?? []), ...(record?.deletes ?? [])].map((file) => ({ index, ...file }));
  });
  await eachOf(files, HEADS, async ({ index, path, sizeBytes }) => {
    if ((await target.head(target.key(path)))?.sizeBytes !== sizeBytes) gone.add(index);
  });
  return gone;
}
