/**
 * Calls of Glue's API. Reads are repeated by the SDK; a change is sent once, because only who looks at the table in
 * between can tell what a second refusal means. The SDK is loaded with the first call.
 */
import type {
  CreateTableCommandInput,
  Database,
  DatabaseInput,
  ErrorDetail,
  GlueClient,
  GlueClientConfig,
  Partition,
  PartitionInput,
  PartitionValueList,
  Table,
  TableInput,
} from '@aws-sdk/client-glue';
import type { AwsSettings } from '../../model/aws.ts';
import type { PartitionFailure } from '../shown/service.ts';
import { isAbsent, isExpired } from './errors.ts';
import type { GlueLimits } from './limits.ts';
import type { GlueName } from './names.ts';

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

type Sdk = typeof import('@aws-sdk/client-glue');

/** A client with what it was made of. */
interface Connection {
  readonly sdk: Sdk;
  readonly reads: GlueClient;
  readonly changes: GlueClient;
}

export interface GlueAccess {
  readonly aws: AwsSettings;
  /** The account whose catalog it is, if it is another one than the caller's. */
  readonly catalogId?: string;
}

/** The catalog of one account in one region. */
export class GlueApi {
  readonly #access: GlueAccess;
  readonly #limits: GlueLimits;
  #connection: Promise<Connection> | undefined;

  constructor(access: GlueAccess, limits: GlueLimits) {
    this.#access = access;
    this.#limits = limits;
  }

  /** Undefined: there is no such table, or no such database. */
  async table(database: string, name: string): Promise<Table | undefined> {
    return this.#unlessAbsent(async ({ sdk, reads }) => {
      const input = { ...this.#catalog(), DatabaseName: database, Name: name };
      return (await reads.send(new sdk.GetTableCommand(input))).Table;
    });
  }

  async *tables(database: string): AsyncGenerator<Table> {
    for (let token: string | undefined, page = 0; page === 0 || token !== undefined; page += 1) {
      const input = { ...this.#catalog(), DatabaseName: database, ...(token !== undefined && { NextToken: token }) };
      const reply = await this.#call(({ sdk, reads }) => reads.send(new sdk.GetTablesCommand(input)));
      yield* reply.TableList ?? [];
      token = nextOf(reply.NextToken);
    }
  }

  async createTable(database: string, table: TableInput): Promise<void> {
    const input: CreateTableCommandInput = { ...this.#catalog(), DatabaseName: database, TableInput: table };
    await this.#call(({ sdk, changes }) => changes.send(new sdk.CreateTableCommand(input)));
  }

  /**
   * Only if the table is still at that version. Old versions are not archived: an account may have a million, and then
   * each further commit of any table would be refused.
   */
  async updateTable(database: string, table: TableInput, version: string): Promise<void> {
    const input = { ...this.#catalog(), DatabaseName: database, TableInput: table, SkipArchive: true };
    await this.#call(({ sdk, changes }) => changes.send(new sdk.UpdateTableCommand({ ...input, VersionId: version })));
  }

  /** Without their columns. */
  async *partitions({ database, table }: GlueName): AsyncGenerator<Partition> {
    const at = { ...this.#catalog(), DatabaseName: database, TableName: table, ExcludeColumnSchema: true };
    for (let token: string | undefined, page = 0; page === 0 || token !== undefined; page += 1) {
      const input = { ...at, ...(token !== undefined && { NextToken: token }) };
      const reply = await this.#call(({ sdk, reads }) => reads.send(new sdk.GetPartitionsCommand(input)));
      yield* reply.Partitions ?? [];
      token = nextOf(reply.NextToken);
    }
  }

  async createPartitions(
    { database, table }: GlueName,
    partitions: readonly PartitionInput[],
  ): Promise<PartitionFailure[]> {
    const at = { ...this.#catalog(), DatabaseName: database, TableName: table };
    const input = { ...at, PartitionInputList: [...partitions] };
    const reply = await this.#call(({ sdk, reads }) => reads.send(new sdk.BatchCreatePartitionCommand(input)));
    return (reply.Errors ?? []).map(({ PartitionValues, ErrorDetail }) => failureOf(PartitionValues, ErrorDetail));
  }

  async updatePartitions(
    { database, table }: GlueName,
    partitions: readonly PartitionInput[],
  ): Promise<PartitionFailure[]> {
    const at = { ...this.#catalog(), DatabaseName: database, TableName: table };
    const Entries = partitions.map((PartitionInput) => ({
      PartitionValueList: PartitionInput.Values ?? [],
      PartitionInput,
    }));
    const reply = await this.#call(({ sdk, reads }) =>
      reads.send(new sdk.BatchUpdatePartitionCommand({ ...at, Entries })),
    );
    return (reply.Errors ?? []).map(({ PartitionValueList: values, ErrorDetail }) => failureOf(values, ErrorDetail));
  }

  async deletePartitions(
    { database, table }: GlueName,
    partitions: readonly PartitionValueList[],
  ): Promise<PartitionFailure[]> {
    const at = { ...this.#catalog(), DatabaseName: database, TableName: table };
    const input = { ...at, PartitionsToDelete: [...partitions] };
    const reply = await this.#call(({ sdk, reads }) => reads.send(new sdk.BatchDeletePartitionCommand(input)));
    return (reply.Errors ?? []).map(({ PartitionValues, ErrorDetail }) => failureOf(PartitionValues, ErrorDetail));
  }

  /** Undefined: there is no such database. */
  async database(name: string): Promise<Database | undefined> {
    return this.#unlessAbsent(async ({ sdk, reads }) => {
      return (await reads.send(new sdk.GetDatabaseCommand({ ...this.#catalog(), Name: name }))).Database;
    });
  }

  async *databases(): AsyncGenerator<Database> {
    for (let token: string | undefined, page = 0; page === 0 || token !== undefined; page += 1) {
      const input = { ...this.#catalog(), ...(token !== undefined && { NextToken: token }) };
      const reply = await this.#call(({ sdk, reads }) => reads.send(new sdk.GetDatabasesCommand(input)));
      yield* reply.DatabaseList ?? [];
      token = nextOf(reply.NextToken);
    }
  }

  async createDatabase(database: DatabaseInput): Promise<void> {
    const input = { ...this.#catalog(), DatabaseInput: database };
    await this.#call(({ sdk, reads }) => reads.send(new sdk.CreateDatabaseCommand(input)));
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then(end, () => undefined);
  }

  #catalog(): { readonly CatalogId?: string } {
    const { catalogId } = this.#access;
    return catalogId === undefined ? {} : { CatalogId: catalogId };
  }

  async #unlessAbsent<T>(call: (connection: Connection) => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await this.#call(call);
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
  }

  /** A refusal of credentials that have ended is answered once with those that the environment has now. */
  async #call<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    this.#connection ??= this.#connect();
    const used = this.#connection;
    try {
      return await call(await used);
    } catch (thrown) {
      if (!isExpired(thrown)) throw thrown;
      // The old client is not destroyed: others may wait for it.
      if (this.#connection === used) this.#connection = this.#connect();
      return call(await this.#connection);
    }
  }

  async #connect(): Promise<Connection> {
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const [sdk, config] = await Promise.all([import('@aws-sdk/client-glue'), this.#config()]);
    const made = (maxAttempts: number): GlueClient => {
      const client = new sdk.GlueClient({ ...config, maxAttempts });
      // The SDK's logger middleware takes most of the time of a small call even when nothing is logged.
      client.middlewareStack.remove('loggerMiddleware');
      return client;
    };
    return { sdk, reads: made(this.#limits.callAttemptsMax), changes: made(1) };
  }

  async #config(): Promise<GlueClientConfig> {
    const { regionOf, roleCredentials } = await import('../../storage/s3/role.ts');
    const { aws } = this.#access;
    const { connectTimeoutMs: connectionTimeout, replyTimeoutMs } = this.#limits;
    const timeouts = { connectionTimeout, socketTimeout: replyTimeoutMs, requestTimeout: replyTimeoutMs };
    return {
      region: regionOf(aws),
      retryMode: 'standard',
      requestHandler: { ...timeouts, throwOnRequestTimeout: true, logger: SILENT },
      ...(aws.profile !== undefined && { profile: aws.profile }),
      ...(aws.endpoint !== undefined && { endpoint: aws.endpoint }),
      ...(aws.roleArn !== undefined && { credentials: roleCredentials(aws) }),
    };
  }
}

function failureOf(values: readonly string[] | undefined, detail: ErrorDetail | undefined): PartitionFailure {
  return { values: values ?? [], code: detail?.ErrorCode ?? 'Unknown', message: detail?.ErrorMessage ?? '' };
}

function end({ reads, changes }: Connection): void {
  reads.destroy();
  changes.destroy();
}

function nextOf(token: string | undefined): string | undefined {
  return token === '' ? undefined : token;
}
