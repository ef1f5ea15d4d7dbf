/** The entry of a Parquet table, as Athena, Spark and awswrangler want it, whatever service holds it. */
import { createHash } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import type { ShownColumn, ShownPartition, ShownState } from './port.ts';
import type { EntryChange, NewPartition, SeenEntry, SeenPartition } from './service.ts';

/** Parameter: URI of the folder that the table lies in; the entry's own location is that of the generation. */
const ROOT = 'tailrace.location';
/** Parameter: the generation that the entry shows, wholly. */
const GENERATION = 'tailrace.generation';
/** Parameter: who is changing the entry's partitions, or was cut off while it did. */
const CLAIM = 'tailrace.showing';
/** Parameter of a partition: digest of its columns, which listings may leave out. */
const COLUMNS = 'tailrace.columns';
const PROJECTION = /^(?:projection\.|storage\.location\.template$)/;
/** A parameter's value in Glue. */
const PARAMETER_MAX = 512_000;

/** How Parquet files are read by what reads them through an entry. */
export const PARQUET = {
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  serde: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
  serdeParameters: { 'serialization.format': '1' },
} as const;

/** URI of the table's folder, without a trailing slash. Anything but an entry of ours is TARGET_BAD. */
export function rootOf({ parameters, format }: SeenEntry, service: string, place: string): string {
  const root = parameters[ROOT];
  if (root !== undefined && root !== '') return root.replace(/\/+$/, '');
  throw new TailraceError('TARGET_BAD', `What ${service} has under this name is not a Parquet table of tailrace.`, {
    place,
    expected: `the parameter ${ROOT}`,
    found: format ?? 'a table without a type',
    hint: 'Choose another name, or drop that table first; an Iceberg table is named as iceberg:<name>.',
  });
}

/** Whether partitions are worked out from the entry, and not listed. */
export function isProjected(entry: SeenEntry | undefined): boolean {
  return entry?.parameters['projection.enabled'] === 'true';
}

/** Whether the entry shows the generation, wholly. */
export function shows(entry: SeenEntry, { generation }: ShownState, projected: boolean): boolean {
  const { [GENERATION]: shown, [CLAIM]: claim } = entry.parameters;
  return shown === generation && claim === undefined && projected === isProjected(entry);
}

/** Whether somebody is changing the partitions, or was cut off while they did. */
export function isClaimed({ parameters }: SeenEntry): boolean {
  return parameters[CLAIM] !== undefined;
}

/** Whether it was this call that last said that it changes the partitions. */
export function isClaimedBy({ parameters }: SeenEntry, claim: string): boolean {
  return parameters[CLAIM] === claim;
}

/** The entry as it is, but for the word that its partitions are being changed. */
export function claimed({ parameters }: SeenEntry, claim: string): EntryChange {
  const { [GENERATION]: _, ...rest } = parameters;
  return { parameters: { ...rest, [CLAIM]: claim } };
}

/**
 * The entry that shows a state; with a claim, the one whose partitions are still to come. What others put into it stays.
 * `root`: URI of the table's folder.
 */
export function shownEntry(
  name: string,
  former: SeenEntry | undefined,
  state: ShownState,
  root: string,
  projected: boolean,
  claim?: string,
): EntryChange {
  const kept = Object.entries(former?.parameters ?? {}).filter(
    ([key]) => !PROJECTION.test(key) && key !== GENERATION && key !== CLAIM,
  );
  return {
    parameters: {
      ...Object.fromEntries(kept),
      EXTERNAL: 'TRUE',
      classification: 'parquet',
      typeOfData: 'file',
      [ROOT]: root,
      ...(claim === undefined ? { [GENERATION]: state.generation } : { [CLAIM]: claim }),
      ...(projected ? projection(state, name) : {}),
    },
    shows: {
      folder: `${state.folder}/`,
      columns: columnsOf(state, former?.comments),
      partitionKeys: state.partitionKeys,
    },
  };
}

/** A partition of a state. */
export function newPartition(state: ShownState, { values, folder }: ShownPartition): NewPartition {
  return { values, folder: `${folder}/`, columns: columnsOf(state), parameters: { [COLUMNS]: digestOf(state) } };
}

/** What tells a listed partition that is as it should be from one that is not. */
export function markOf({ folder, parameters }: Pick<SeenPartition, 'folder' | 'parameters'>): string {
  // A Metastore writes `file:/path` for a local folder.
  return JSON.stringify([folder?.replace(/\/*$/, '').replace(/^file:(?:\/\/)?(?=\/)/, ''), parameters[COLUMNS]]);
}

/** The mark of a partition of a state. */
export function markOfShown(state: ShownState): (partition: ShownPartition) => string {
  const parameters = { [COLUMNS]: digestOf(state) };
  return ({ folder }) => markOf({ folder, parameters });
}

function digestOf(state: ShownState): string {
  return createHash('sha256')
    .update(JSON.stringify(columnsOf(state)))
    .digest('hex')
    .slice(0, 16);
}

function columnsOf({ columns }: ShownState, former?: SeenEntry['comments']): readonly ShownColumn[] {
  return columns.map(({ name: own, type, comment }) => {
    const name = own.toLowerCase();
    const text = comment ?? former?.get(name);
    return { name, type, ...(text === undefined ? {} : { comment: text }) };
  });
}

/** Each key with the labels that there are: one change of the entry moves all partitions. */
function projection(state: ShownState, name: string): Record<string, string> {
  const parameters: Record<string, string> = { 'projection.enabled': 'true' };
  for (const [index, key] of state.partitionKeys.entries()) {
    const labels = [...new Set(state.partitions.map(({ labels: all }) => all[index] ?? ''))].sort();
    const values = labels.join(',');
    const odd = labels.find((label) => label.includes(','));
    if (odd !== undefined || values.length > PARAMETER_MAX)
      throw notProjected(name, key, odd ?? `${labels.length} values`);
    parameters[`projection.${key}.type`] = 'enum';
    parameters[`projection.${key}.values`] = values;
  }
  const folders = state.partitionKeys.map((key) => `${key}=\${${key}}`);
  parameters['storage.location.template'] = `${[state.folder, ...folders].join('/')}/`;
  return parameters;
}

function notProjected(name: string, key: string, found: string): TailraceError {
  return new TailraceError('CATALOG', `The partitions of ${name} cannot be projected.`, {
    place: key,
    expected: `values without commas, of at most ${PARAMETER_MAX} characters together`,
    found,
    hint: '--no-partition-projection lists them one by one.',
  });
}
