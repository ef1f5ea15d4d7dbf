/**
 * Partitions of a Parquet table in Glue, in batches. Glue answers a batch with 200 and says within which of it failed.
 * Every call may be made again: what is there already is changed in place of made, and what is gone is not deleted.
 */
import type { PartitionValueList } from '@aws-sdk/client-glue';
import { TailraceError } from '../../../model/errors.ts';
import type { ShownPartition, ShownState } from '../../shown.ts';
import type { GlueApi, PartitionFailure } from '../client.ts';
import type { GlueName } from '../names.ts';
import { markOf, markOfShown, partitionInput } from './entry.ts';

/** Glue's own limits. */
const BATCH = 100;
const DELETE_BATCH = 25;
/** Batches on their way at a time. */
const PARALLEL = 4;
/** Tries of partitions that failed within an answer of 200. */
const TRIES = 4;

const TAKEN = 'AlreadyExistsException';
const GONE = 'EntityNotFoundException';

/** Makes the partitions of a table those of a state, or none; only those that differ are touched. */
export async function syncPartitions(
  api: GlueApi,
  name: GlueName,
  state: ShownState,
  wanted: readonly ShownPartition[],
): Promise<void> {
  const there = new Map<string, string>();
  for await (const partition of api.partitions(name)) there.set(keyOf(partition.Values ?? []), markOf(partition));
  const shown = markOfShown(state);
  const differs = wanted.filter((partition) => there.get(keyOf(partition.values)) !== shown(partition));
  const changed = differs.filter(({ values }) => there.has(keyOf(values)));
  const made = differs.filter(({ values }) => !there.has(keyOf(values)));
  const stays = new Set(wanted.map(({ values }) => keyOf(values)));
  const gone = [...there.keys()].filter((key) => !stays.has(key)).map((key) => JSON.parse(key) as string[]);
  await put(api, name, state, { changed, made });
  await inBatches(gone, DELETE_BATCH, (batch) => remove(api, name, batch));
}

async function put(
  api: GlueApi,
  name: GlueName,
  state: ShownState,
  todo: { readonly changed: readonly ShownPartition[]; readonly made: readonly ShownPartition[] },
): Promise<void> {
  let { changed, made } = todo;
  for (let tries = 1; changed.length + made.length > 0; tries += 1) {
    const failures: PartitionFailure[] = [];
    await inBatches(changed, BATCH, async (batch) => {
      failures.push(
        ...(await api.updatePartitions(
          name,
          batch.map((partition) => partitionInput(state, partition)),
        )),
      );
    });
    await inBatches(made, BATCH, async (batch) => {
      failures.push(
        ...(await api.createPartitions(
          name,
          batch.map((partition) => partitionInput(state, partition)),
        )),
      );
    });
    if (failures.length === 0) return;
    const last = failures.find(({ code }) => code !== TAKEN && code !== GONE) ?? failures[0];
    if (tries === TRIES) throw partitionError(last, failures.length, name);
    const codes = new Map(failures.map(({ values, code }) => [keyOf(values), code]));
    const failed = [...changed, ...made].filter(({ values }) => codes.has(keyOf(values)));
    const wasMade = new Set(made);
    const exists = (partition: ShownPartition): boolean => {
      const code = codes.get(keyOf(partition.values));
      return code === TAKEN || (code !== GONE && !wasMade.has(partition));
    };
    changed = failed.filter(exists);
    made = failed.filter((partition) => !exists(partition));
  }
}

async function remove(api: GlueApi, name: GlueName, batch: readonly (readonly string[])[]): Promise<void> {
  let left: PartitionValueList[] = batch.map((values) => ({ Values: [...values] }));
  for (let tries = 1; ; tries += 1) {
    const failures = (await api.deletePartitions(name, left)).filter(({ code }) => code !== GONE);
    if (failures.length === 0) return;
    if (tries === TRIES) throw partitionError(failures[0], failures.length, name);
    left = failures.map(({ values }) => ({ Values: [...values] }));
  }
}

async function inBatches<T>(
  all: readonly T[],
  size: number,
  work: (batch: readonly T[]) => Promise<void>,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
  for (let at = 0; at < batches.length; at += PARALLEL) await Promise.all(batches.slice(at, at + PARALLEL).map(work));
}

function keyOf(values: readonly string[]): string {
  return JSON.stringify(values);
}

function partitionError(
  failure: PartitionFailure | undefined,
  count: number,
  { database, table }: GlueName,
): TailraceError {
  const { code = '', message = '', values = [] } = failure ?? {};
  return new TailraceError('CATALOG', `Glue refused ${count} partitions of ${database}.${table} (${code}).`, {
    place: values.join('/'),
    found: message,
    hint: 'Remove the cause that is named, and run the same command again: it goes on with the partitions that are missing.',
  });
}
