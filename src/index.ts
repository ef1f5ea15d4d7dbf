/** The library: the verbs of the command, with the same words. */

export type * from './model/doctor.ts';
export { ERROR_CODES, type ErrorCode, TailraceError } from './model/errors.ts';
export type { HttpOptions, LoadFormat, LoadOptions, LoadReport } from './model/load.ts';
export type * from './model/maintain-report.ts';
export type {
  AwsSettings,
  PartitionRequest,
  Progress,
  RunContext,
  SchemaOptions,
  SyncOptions,
} from './model/options.ts';
export type * from './model/report.ts';
export type * from './model/scan-report.ts';
export type * from './model/schema.ts';
export type * from './model/table.ts';
export { demo } from './pipeline/demo.ts';
export { type DoctorOptions, doctor } from './pipeline/doctor/doctor.ts';
export { defaultOptions } from './pipeline/ends/defaults.ts';
export { type ColumnChange, type EvolveOptions, evolveSchema } from './pipeline/evolve/evolve.ts';
export { inspect } from './pipeline/inspect.ts';
export { load } from './pipeline/items/load-items.ts';
export { type CatOptions, cat, query } from './pipeline/read.ts';
export { diffSchema, type InferOptions, inferSchema, showSchema } from './pipeline/schema.ts';
export { sync } from './pipeline/sync.ts';
export { type MaintainOptions, maintain } from './pipeline/upkeep/maintain.ts';
export { normalFilter } from './schema/filter/normal.ts';
export { parseSince } from './schema/filter/since.ts';
export { parsePartition, parseSort } from './schema/partition.ts';
