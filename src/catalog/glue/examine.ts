/** What a load will ask of Glue, tried: see examination.ts. */
import type { Table } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import type { Findings } from '../../model/findings.ts';
import { failureOf } from '../../storage/s3/errors.ts';
import { type ExaminedFiles, type ExamineOptions, examineMetadata } from '../examination.ts';
import type { OpenFiles } from '../port.ts';
import { isProjected, rootOf } from '../shown/entry.ts';
import type { GlueApi } from './client.ts';
import type { GlueDatabases } from './databases.ts';
import { glueError, isAbsent, refusalOf } from './errors.ts';
import { metadataLocationOf, unchangedInput } from './input.ts';
import type { GlueName } from './names.ts';
import { databaseNeeds, type GluePlace, tableNeeds } from './needs.ts';
import { glueEntry } from './shown.ts';

export interface GlueParts {
  readonly api: GlueApi;
  readonly databases: GlueDatabases;
  readonly openFiles: OpenFiles;
  readonly name: GlueName;
  /** The table's full name, for errors. */
  readonly place: string;
  readonly at: GluePlace;
}

const ENTRY = "the table's entry in Glue";
const UNTRIED = 'it cannot be tried without doing it';

/** Tries what a load of this table will ask. Undefined: it cannot be told where its files lie. */
export async function examineGlue(parts: GlueParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { api, name, place, at, openFiles } = parts;
  const { findings, format } = options;
  const read = await findings.try(
    `read ${ENTRY}`,
    [tableNeeds(at, name, 'GetTable')],
    async () => {
      const table = await asked('read the table', place, () => api.table(name.database, name.table));
      if (table === undefined) return undefined;
      const location = locationOf(table, place, format);
      return { table, location, storage: await openFiles(location) };
    },
    (found) => found?.location ?? 'there is none yet',
  );
  if (read === undefined) return undefined;
  if (read.value === undefined) return newTable(parts, options);
  const { table, location, storage } = read.value;
  await tryUpdate(parts, options, table);
  if (format === 'iceberg') return examineMetadata(findings, storage, location, at.region);
  await tryPartitions(parts, findings, table);
  return { storage, location };
}

function locationOf(table: Table, place: string, format: ExamineOptions['format']): string {
  return format === 'iceberg' ? metadataLocationOf(table, place) : rootOf(glueEntry(table), 'Glue', place);
}

/** A table that is not there yet: where it would lie, and what making it takes. */
async function newTable(parts: GlueParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { databases, name, at, openFiles } = parts;
  const { findings } = options;
  const found = await findings.try(
    'find the place of a new table',
    [databaseNeeds(at, name, 'GetDatabase')],
    async () => {
      const { location, isNew } = await databases.foresee(name, options);
      return { location, isNew, storage: await openFiles(location) };
    },
    ({ location }) => location,
  );
  if (found === undefined) return undefined;
  const { location, isNew, storage } = found.value;
  if (isNew) findings.untried('create the database', UNTRIED, [databaseNeeds(at, name, 'CreateDatabase')]);
  findings.untried(`create ${ENTRY}`, UNTRIED, [tableNeeds(at, name, 'CreateTable')]);
  await tryUpdate(parts, options, undefined);
  return { storage, location };
}

/**
 * An update that cannot take place: of a table that is not there, or at a version that it never has. What is refused for
 * that is permitted. The entry that goes along is the one that is there, in case that nobody compares versions.
 */
async function tryUpdate(parts: GlueParts, options: ExamineOptions, table: Table | undefined): Promise<void> {
  const { name, at } = parts;
  const what = `change ${ENTRY}`;
  const needs = [tableNeeds(at, name, 'UpdateTable')];
  if (options.readOnly) return options.findings.untried(what, 'only reading was asked for', needs);
  await options.findings.try(
    what,
    needs,
    () => answerToUpdate(parts, table),
    (answer) => answer,
  );
}

/** What the refusal of the update tells; throws where it is one for want of a permission, or none. */
async function answerToUpdate({ api, name, place }: GlueParts, table: Table | undefined): Promise<string | undefined> {
  const input = table === undefined ? { Name: name.table } : unchangedInput(name.table, table);
  try {
    await api.updateTable(name.database, input, neverVersion(table?.VersionId));
  } catch (thrown) {
    if (isAbsent(thrown)) return table === undefined ? undefined : 'permitted; the table has gone meanwhile';
    if (refusalOf(thrown) === 'raced') return 'permitted, and its version is compared; it was not changed';
    const error = glueError(thrown, 'change the table', place);
    if (error.code !== 'CATALOG') throw error;
    return `not refused for want of a permission (${failureOf(thrown).code}); it was not changed`;
  }
  throw comparesNothing(place);
}

function neverVersion(version: string | undefined): string {
  return /^\d{1,9}$/.test(version ?? '') ? String(Number(version) + 1_000_000_000) : '1000000000000';
}

function comparesNothing(place: string): TailraceError {
  return new TailraceError('CATALOG', 'The catalog took a change of another version than the one that is there.', {
    place,
    expected: 'ConcurrentModificationException, as AWS Glue answers',
    found: 'the entry was written, with what it held',
    hint: 'Of two writers, one would undo what the other committed: use AWS Glue itself, or another catalog.',
  });
}

async function tryPartitions({ api, name, place, at }: GlueParts, findings: Findings, table: Table): Promise<void> {
  const entry = glueEntry(table);
  if (entry.partitionKeys.length === 0 || isProjected(entry)) return;
  await findings.try('list its partitions', [tableNeeds(at, name, 'GetPartitions')], () =>
    asked('list the partitions', place, async () => {
      for await (const _ of api.partitions(name)) break;
    }),
  );
  const batches = ['BatchCreatePartition', 'BatchUpdatePartition', 'BatchDeletePartition'];
  findings.untried('change its partitions', UNTRIED, [tableNeeds(at, name, ...batches)]);
}

async function asked<T>(what: string, place: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw glueError(thrown, what, place);
  }
}
