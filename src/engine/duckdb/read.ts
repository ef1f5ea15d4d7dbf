import type { ColumnType, TableSchema } from '../../model/schema.ts';
import { POSITION_DELETE_COLUMNS } from '../../model/table.ts';
import { ident, list, str } from '../sql/quote.ts';

/** The engine's name of a column type. */
export function duckType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
    case 'number-text':
    case 'json':
    case 'ddb-json':
      return 'VARCHAR';
    case 'long':
      return 'BIGINT';
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'double':
      return 'DOUBLE';
    case 'boolean':
      return 'BOOLEAN';
    case 'binary':
      return 'BLOB';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    case 'list':
      return `${duckType(type.element.type)}[]`;
    case 'map':
      return `MAP(VARCHAR, ${duckType(type.value.type)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${ident(field.name)} ${duckType(field.type)}`).join(', ')})`;
  }
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = { _written_at: 'TIMESTAMPTZ', _deleted: 'BOOLEAN' };

/** All columns of a table with their engine types: attributes, then derived, then system columns. */
export function tableColumns(
  schema: TableSchema,
): readonly { readonly id: number; readonly name: string; readonly type: string }[] {
  return [
    ...schema.columns.map(({ id, name, type }) => ({ id, name, type: duckType(type) })),
    ...schema.derived.map(({ id, name }) => ({ id, name, type: 'TIMESTAMPTZ' })),
    ...schema.system.map(({ id, name }) => ({ id, name, type: SYSTEM_TYPES[name] ?? 'VARCHAR' })),
  ];
}

/** A query with the table's columns and types, and no rows. */
export function emptyRelation(schema: TableSchema): string {
  const columns = tableColumns(schema).map(({ name, type }) => `CAST(NULL AS ${type}) AS ${ident(name)}`);
  return `SELECT ${columns.join(', ')} WHERE false`;
}

/** A data file of a table where the engine can read it, and the position deletes that apply to it. */
export interface ReadFile {
  readonly uri: string;
  /** How the table's metadata spells the URI, where it does otherwise: position deletes speak of the file so. */
  readonly spelling?: string;
  readonly path: string;
  /** Local paths of Parquet files with positions; they may speak of other data files, too. */
  readonly deletes?: readonly string[];
}

/** The local paths that a query over these files reads. */
export function readPaths(files: readonly ReadFile[]): string[] {
  return [...files.map(({ path }) => path), ...deleteFilesOf(files)];
}

function deleteFilesOf(files: readonly ReadFile[]): string[] {
  return [...new Set(files.flatMap(({ deletes }) => deletes ?? []))];
}

/**
 * A query over the table's rows. Columns are found by field id, so a file that lacks one gives NULLs. Rows that position
 * deletes name are left out; files without any are read as if there were none elsewhere.
 */
export function tableRelation(schema: TableSchema, files: readonly ReadFile[]): string {
  if (files.length === 0) return emptyRelation(schema);
  const names = tableColumns(schema).map(({ name }) => ident(name));
  const selects = names.map((name, i) => `${readColumn(i)} AS ${name}`).join(', ');
  const whole = files.filter((file) => !hasDeletes(file));
  const parts = files.filter(hasDeletes);
  return [
    ...(whole.length === 0 ? [] : [`SELECT ${selects} FROM ${filesRelation(schema, whole)}`]),
    ...(parts.length === 0
      ? []
      : [`SELECT ${selects} FROM ${filesRelation(schema, parts)}${withoutSql(deletedPositions(parts))}`]),
  ].join(' UNION ALL ');
}

/**
 * A condition on `filesRelation` that leaves rows out by `file` and `pos` of another query, neither of them NULL. Not as
 * an anti join: the engine may turn that around, and would then hash the whole table instead of the positions.
 */
export function withoutSql(gone: string): string {
  return ` WHERE (file_index::BIGINT << 40) + file_row_number NOT IN (SELECT (file::BIGINT << 40) + pos FROM (${gone}))`;
}

function hasDeletes({ deletes }: ReadFile): boolean {
  return deletes !== undefined && deletes.length > 0;
}

/** What `filesRelation` calls the table's column number `i`. */
export function readColumn(i: number): string {
  return `c${i}`;
}

/**
 * All rows of the files, deleted ones too, with the columns under neutral names: whatever the table calls its own, the
 * engine's `file_index` (into `files`) and `file_row_number` can be named beside them.
 */
export function filesRelation(schema: TableSchema, files: readonly { readonly path: string }[]): string {
  const byId = tableColumns(schema).map(
    ({ id, type }, i) => `${id}: {name: ${str(readColumn(i))}, type: ${str(type)}, default_value: NULL}`,
  );
  const paths = list(files.map(({ path }) => path));
  return `read_parquet(${paths}, hive_partitioning = false, schema = MAP {${byId.join(', ')}})`;
}

/**
 * The positions that are deleted, as `file` (index into `files`) and `pos`. A position counts only for the very data
 * file that it names, and only where the delete file applies to that one. Positions may come twice.
 */
export function deletedPositions(files: readonly ReadFile[]): string {
  const paths = deleteFilesOf(files);
  if (paths.length === 0) return 'SELECT 0::BIGINT AS file, 0::BIGINT AS pos WHERE false';
  const index = new Map(paths.map((path, i) => [path, i]));
  const applies = files.flatMap(({ uri, spelling, deletes }, file) =>
    (deletes ?? []).map((path) => `{d: ${index.get(path) ?? -1}, u: ${str(spelling ?? uri)}, f: ${file}}`),
  );
  // Without the reserved ids all would be NULL, and deleted rows would come back without a word.
  const sound = (column: string): string =>
    `coalesce(${column}, error('a position-delete file has no ${column}')) AS ${column}`;
  return `SELECT a.f::BIGINT AS file, d.pos AS pos
    FROM (SELECT file_index, ${sound('file_path')}, ${sound('pos')} FROM read_parquet(${list(paths)}, hive_partitioning = false, schema = MAP {
      ${POSITION_DELETE_COLUMNS.file_path}: {name: 'file_path', type: 'VARCHAR', default_value: NULL},
      ${POSITION_DELETE_COLUMNS.pos}: {name: 'pos', type: 'BIGINT', default_value: NULL}})) AS d
    JOIN (SELECT unnest([${applies.join(', ')}], recursive := true)) AS a ON d.file_index = a.d AND d.file_path = a.u`;
}
