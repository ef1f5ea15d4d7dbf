/** Entries of Parquet tables in Glue: changed at the version that they were seen at, their partitions in batches. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Column, PartitionInput, StorageDescriptor, Table, TableInput } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import { PARQUET } from '../shown/entry.ts';
import type { ShownColumn } from '../shown/port.ts';
import type {
  EntryChange,
  EntryService,
  NewPartition,
  PartitionFailure,
  SeenEntry,
  SeenPartition,
} from '../shown/service.ts';
import type { GlueApi } from './client.ts';
import { glueError, isAbsent, refusalOf } from './errors.ts';
import { defined, formatOf } from './input.ts';
import type { GlueLimits } from './limits.ts';
import type { GlueName } from './names.ts';

const GONE = 'EntityNotFoundException';

export interface GlueEntry extends SeenEntry {
  readonly table: Table;
}

/** The entry of one table in Glue. `place` is the table's full name. */
export class GlueEntries implements EntryService<GlueEntry> {
  readonly service = 'Glue';
  /** Glue's own limits of a call. */
  readonly limits = { put: 100, drop: 25, parallel: 4 };
  readonly #api: GlueApi;
  readonly #name: GlueName;
  readonly #place: string;
  readonly #limits: GlueLimits;

  constructor(api: GlueApi, name: GlueName, place: string, limits: GlueLimits) {
    this.#api = api;
    this.#name = name;
    this.#place = place;
    this.#limits = limits;
  }

  async entry(): Promise<GlueEntry | undefined> {
    const table = await this.#api.table(this.#name.database, this.#name.table);
    return table === undefined ? undefined : glueEntry(table);
  }

  async create(change: EntryChange): Promise<void> {
    await this.#api.createTable(this.#name.database, input(this.#name.table, undefined, change));
  }

  async update({ table }: GlueEntry, change: EntryChange): Promise<void> {
    const version = table.VersionId;
    if (version === undefined || version === '') {
      throw new TailraceError('CATALOG', 'The catalog does not tell the version of its tables.', {
        place: this.#place,
        expected: 'VersionId in the reply to GetTable',
        hint: 'Without it, one run could undo what another one shows: use another catalog, or AWS Glue itself.',
      });
    }
    await this.#api.updateTable(this.#name.database, input(this.#name.table, table, change), version);
  }

  async *partitions(): AsyncGenerator<SeenPartition> {
    for await (const { Values, Parameters, StorageDescriptor: storage } of this.#api.partitions(this.#name))
      yield { values: Values ?? [], folder: storage?.Location, parameters: Parameters ?? {} };
  }

  createPartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]> {
    return this.#api.createPartitions(this.#name, batch.map(partitionInput));
  }

  changePartitions(batch: readonly NewPartition[]): Promise<readonly PartitionFailure[]> {
    return this.#api.updatePartitions(this.#name, batch.map(partitionInput));
  }

  async dropPartitions(batch: readonly (readonly string[])[]): Promise<readonly PartitionFailure[]> {
    const values = batch.map((one) => ({ Values: [...one] }));
    return (await this.#api.deletePartitions(this.#name, values)).filter(({ code }) => code !== GONE);
  }

  isFinal(thrown: unknown, failures: number): boolean {
    // What is not there may have gone between a look and a change; twice, it is the database.
    const noDatabase = isAbsent(thrown) && failures > 1;
    return refusalOf(thrown) === 'refused' || noDatabase || failures >= this.#limits.swapAttemptsMax;
  }

  error(thrown: unknown): TailraceError {
    return glueError(thrown, 'change the entry of the table', this.#place);
  }

  async wait(failures: number): Promise<void> {
    const ceiling = Math.min(this.#limits.backoffCapMs, this.#limits.backoffBaseMs * 2 ** failures);
    await sleep(ceiling * (0.25 + 0.75 * Math.random()));
  }
}

/** A table as Glue tells of it. */
export function glueEntry(table: Table): GlueEntry {
  const columns = table.StorageDescriptor?.Columns ?? [];
  return {
    table,
    parameters: table.Parameters ?? {},
    partitionKeys: (table.PartitionKeys ?? []).map(({ Name }) => Name ?? ''),
    comments: new Map(columns.flatMap(({ Name = '', Comment }) => (Comment === undefined ? [] : [[Name, Comment]]))),
    format: formatOf(table),
  };
}

/** What others put into the entry stays. */
function input(name: string, former: Table | undefined, { parameters, shows }: EntryChange): TableInput {
  const {
    Description,
    Owner,
    Retention,
    LastAccessTime,
    LastAnalyzedTime,
    StorageDescriptor,
    PartitionKeys = [],
  } = former ?? {};
  const storage =
    shows === undefined ? StorageDescriptor : { ...StorageDescriptor, ...storageOf(shows.folder, shows.columns) };
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    ...defined({ Description, Owner, Retention, LastAccessTime, LastAnalyzedTime }),
    ...(storage === undefined ? {} : { StorageDescriptor: storage }),
    PartitionKeys: shows?.partitionKeys.map((key) => ({ Name: key, Type: 'string' })) ?? PartitionKeys,
    Parameters: { ...parameters },
  };
}

function partitionInput({ values, folder, columns, parameters }: NewPartition): PartitionInput {
  return { Values: [...values], Parameters: { ...parameters }, StorageDescriptor: storageOf(folder, columns) };
}

function storageOf(folder: string, columns: readonly ShownColumn[]): StorageDescriptor {
  return {
    Columns: columns.map(
      ({ name, type, comment }): Column => ({
        Name: name,
        Type: type,
        ...(comment !== undefined && { Comment: comment }),
      }),
    ),
    Location: folder,
    InputFormat: PARQUET.inputFormat,
    OutputFormat: PARQUET.outputFormat,
    SerdeInfo: { SerializationLibrary: PARQUET.serde, Parameters: { ...PARQUET.serdeParameters } },
    Compressed: false,
    NumberOfBuckets: -1,
    StoredAsSubDirectories: false,
  };
}
