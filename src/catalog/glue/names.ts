import { type DatabaseTable, databaseNames } from '../database-names.ts';

/** A table as Glue knows it. */
export type GlueName = DatabaseTable;

export const {
  databaseName,
  tableName: glueName,
  refuseOddName,
} = databaseNames({ service: 'Glue', reader: 'Athena', lengthMax: 255 });
