/**
 * The functions of a Hive Metastore that a catalog needs, with the structs that they speak of: names and ids as in
 * Hive's `hive_metastore.thrift`, the same from 2.3 to 4.0. Functions that 4.0 has dropped (`get_table`) are not used.
 */
import type { Method } from './thrift/message.ts';
import { bool, i32, i64, list, string, struct, type ThriftType, textMap, type ValueOf } from './thrift/types.ts';

const fieldSchema = struct({ name: [1, string], type: [2, string], comment: [3, string] });
const serDeInfo = struct({ name: [1, string], serializationLib: [2, string], parameters: [3, textMap] });
const order = struct({ col: [1, string], order: [2, i32] });
const storageDescriptor = struct({
  cols: [1, list(fieldSchema)],
  location: [2, string],
  inputFormat: [3, string],
  outputFormat: [4, string],
  compressed: [5, bool],
  numBuckets: [6, i32],
  serdeInfo: [7, serDeInfo],
  bucketCols: [8, list(string)],
  sortCols: [9, list(order)],
  parameters: [10, textMap],
});
const table = struct({
  tableName: [1, string],
  dbName: [2, string],
  owner: [3, string],
  createTime: [4, i32],
  lastAccessTime: [5, i32],
  retention: [6, i32],
  sd: [7, storageDescriptor],
  partitionKeys: [8, list(fieldSchema)],
  parameters: [9, textMap],
  tableType: [12, string],
});
const partition = struct({
  values: [1, list(string)],
  dbName: [2, string],
  tableName: [3, string],
  sd: [6, storageDescriptor],
  parameters: [7, textMap],
});
const database = struct({
  name: [1, string],
  description: [2, string],
  locationUri: [3, string],
  parameters: [4, textMap],
});
const environmentContext = struct({ properties: [1, textMap] });
const getTableRequest = struct({ dbName: [1, string], tblName: [2, string] });
const getTablesRequest = struct({ dbName: [1, string], tblNames: [2, list(string)] });
const lockComponent = struct({
  type: [1, i32],
  level: [2, i32],
  dbname: [3, string],
  tablename: [4, string],
  operationType: [6, i32],
  isTransactional: [7, bool],
});
const lockRequest = struct({
  component: [1, list(lockComponent)],
  user: [3, string],
  hostname: [4, string],
  agentInfo: [5, string],
});
const lockResponse = struct({ lockid: [1, i64], state: [2, i32], errorMessage: [3, string] });
const lockId = struct({ lockid: [1, i64] });
const showLocksRequest = struct({ dbname: [1, string], tablename: [2, string] });
const lockElement = struct({
  lockid: [1, i64],
  state: [5, i32],
  txnid: [7, i64],
  lastheartbeat: [8, i64],
  acquiredat: [9, i64],
  user: [10, string],
  hostname: [11, string],
  agentInfo: [13, string],
});

export type HiveTable = ValueOf<typeof table>;
export type HivePartition = ValueOf<typeof partition>;
export type HiveDatabase = ValueOf<typeof database>;
export type HiveColumn = ValueOf<typeof fieldSchema>;
export type HiveStorage = ValueOf<typeof storageDescriptor>;
export type LockElement = ValueOf<typeof lockElement>;

/** Without this the Metastore lists the files of what it changes, to count them. */
export const NO_STATS = { DO_NOT_UPDATE_STATS: 'true' };

/** What a lock is of, and for. NO_TXN: work outside of Hive's transactions, as all Iceberg writers have it. */
export const LOCK_EXCLUSIVE = { type: 3, level: 2, operationType: 6, isTransactional: false } as const;
export const LOCK_STATE = { acquired: 1, waiting: 2 } as const;

const META = 'MetaException';
const ABSENT = 'NoSuchObjectException';
const TAKEN = 'AlreadyExistsException';
const INVALID = 'InvalidObjectException';
const TXN = ['NoSuchTxnException', 'TxnAbortedException', 'NoSuchLockException'] as const;

function gives<A, R>(
  name: string,
  args: ThriftType<A>,
  exceptions: readonly string[],
  result: ThriftType<R>,
): Method<A, R> {
  return { name, args, exceptions, result };
}

function does<A>(name: string, args: ThriftType<A>, exceptions: readonly string[]): Method<A, undefined> {
  return { name, args, exceptions };
}

export const METHODS = {
  version: gives('getVersion', struct({}), [], string),
  setting: gives(
    'get_config_value',
    struct({ name: [1, string], otherwise: [2, string] }),
    ['ConfigValSecurityException'],
    string,
  ),
  setUgi: gives('set_ugi', struct({ user: [1, string], groups: [2, list(string)] }), [META], list(string)),
  databases: gives('get_all_databases', struct({}), [META], list(string)),
  database: gives('get_database', struct({ name: [1, string] }), [ABSENT, META], database),
  createDatabase: does('create_database', struct({ database: [1, database] }), [TAKEN, INVALID, META]),
  tableNames: gives('get_all_tables', struct({ database: [1, string] }), [META], list(string)),
  table: gives('get_table_req', struct({ req: [1, getTableRequest] }), [META, ABSENT], struct({ table: [1, table] })),
  tables: gives(
    'get_table_objects_by_name_req',
    struct({ req: [1, getTablesRequest] }),
    [META, 'InvalidOperationException', 'UnknownDBException'],
    struct({ tables: [1, list(table)] }),
  ),
  createTable: does(
    'create_table_with_environment_context',
    struct({ table: [1, table], context: [2, environmentContext] }),
    [TAKEN, INVALID, META, ABSENT],
  ),
  alterTable: does(
    'alter_table_with_environment_context',
    struct({ database: [1, string], name: [2, string], table: [3, table], context: [4, environmentContext] }),
    ['InvalidOperationException', META],
  ),
  dropTable: does('drop_table', struct({ database: [1, string], table: [2, string], withData: [3, bool] }), [
    ABSENT,
    META,
    META,
  ]),
  /** All of them: the number that may be asked for is left out. */
  partitionNames: gives(
    'get_partition_names',
    struct({ database: [1, string], table: [2, string] }),
    [ABSENT, META],
    list(string),
  ),
  partitions: gives(
    'get_partitions_by_names',
    struct({ database: [1, string], table: [2, string], names: [3, list(string)] }),
    [META, ABSENT],
    list(partition),
  ),
  addPartitions: gives('add_partitions', struct({ partitions: [1, list(partition)] }), [INVALID, TAKEN, META], i32),
  alterPartitions: does(
    'alter_partitions_with_environment_context',
    struct({
      database: [1, string],
      table: [2, string],
      partitions: [3, list(partition)],
      context: [4, environmentContext],
    }),
    ['InvalidOperationException', META],
  ),
  dropPartition: gives(
    'drop_partition',
    struct({ database: [1, string], table: [2, string], values: [3, list(string)], withData: [4, bool] }),
    [ABSENT, META],
    bool,
  ),
  lock: gives('lock', struct({ request: [1, lockRequest] }), TXN.slice(0, 2), lockResponse),
  checkLock: gives('check_lock', struct({ request: [1, lockId] }), TXN, lockResponse),
  unlock: does('unlock', struct({ request: [1, lockId] }), ['NoSuchLockException', 'TxnOpenException']),
  showLocks: gives(
    'show_locks',
    struct({ request: [1, showLocksRequest] }),
    [],
    struct({ locks: [1, list(lockElement)] }),
  ),
} as const;
