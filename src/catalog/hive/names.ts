import { type DatabaseTable, databaseNames } from '../database-names.ts';

/** A table as a Metastore knows it. */
export type HiveName = DatabaseTable;

// As long as the Metastore's own database holds them.
export const {
  databaseName,
  tableName: hiveName,
  refuseOddName,
} = databaseNames({ service: 'a Hive Metastore', reader: 'Hive', lengthMax: 128 });
