/**
 * Partitions of a Parquet table's entry, in batches. What a batch could not do is looked at again: somebody else may have
 * made a partition, or taken one away, since they were listed.
 */
import { TailraceError } from '../../model/errors.ts';
import { markOf, markOfShown, newPartition } from './entry.ts';
import type { ShownPartition, ShownState } from './port.ts';
import type { EntryService, PartitionFailure } from './service.ts';

/** Times that the partitions are listed, and brought to what they should be. */
const TRIES = 4;

/** Makes the partitions of an entry those of a state, or none; only those that differ are touched. */
export async function syncPartitions(
  service: EntryService,
  state: ShownState,
  wanted: readonly ShownPartition[],
  place: string,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const failures = await syncOnce(service, state, wanted);
    if (failures.length === 0) return;
    if (tries === TRIES) throw partitionError(service.service, failures, place);
  }
}

async function syncOnce(
  service: EntryService,
  state: ShownState,
  wanted: readonly ShownPartition[],
): Promise<readonly PartitionFailure[]> {
  const there = new Map<string, string>();
  for await (const partition of service.partitions()) there.set(keyOf(partition.values), markOf(partition));
  const shown = markOfShown(state);
  const differs = wanted.filter((partition) => there.get(keyOf(partition.values)) !== shown(partition));
  const [changed, made] = [true, false].map((is) =>
    differs.filter(({ values }) => there.has(keyOf(values)) === is).map((partition) => newPartition(state, partition)),
  );
  const stays = new Set(wanted.map(({ values }) => keyOf(values)));
  const gone = [...there.keys()].filter((key) => !stays.has(key)).map((key) => JSON.parse(key) as string[]);
  const { put, drop, parallel } = service.limits;
  return [
    ...(await inBatches(changed ?? [], put, parallel, (batch) => service.changePartitions(batch))),
    ...(await inBatches(made ?? [], put, parallel, (batch) => service.createPartitions(batch))),
    ...(await inBatches(gone, drop, parallel, (batch) => service.dropPartitions(batch))),
  ];
}

async function inBatches<T>(
  all: readonly T[],
  size: number,
  parallel: number,
  work: (batch: readonly T[]) => Promise<readonly PartitionFailure[]>,
): Promise<readonly PartitionFailure[]> {
  const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
  const failures: PartitionFailure[] = [];
  for (let at = 0; at < batches.length; at += parallel)
    failures.push(...(await Promise.all(batches.slice(at, at + parallel).map(work))).flat());
  return failures;
}

function keyOf(values: readonly string[]): string {
  return JSON.stringify(values);
}

function partitionError(service: string, failures: readonly PartitionFailure[], place: string): TailraceError {
  const { code = '', message = '', values = [] } = failures[0] ?? {};
  return new TailraceError(
    'CATALOG',
    `Of ${place}, ${failures.length} partitions were refused by ${service} (${code}).`,
    {
      place: values.join('/'),
      found: message,
      hint: 'Remove the cause that is named, and run the same command again: it goes on with the partitions that are missing.',
    },
  );
}
