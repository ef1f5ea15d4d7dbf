/**
 * The schema of a table: columns with stable field ids, and for each the DynamoDB
 * attribute and type tag it comes from. Only values; the rules are in src/schema.
 */

/** DynamoDB's type tags; `*` marks a column that holds a whole typed value, whatever its tag. */
export const TAGS = ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'] as const;
export type Tag = (typeof TAGS)[number];
export type OriginTag = Tag | '*';

/** How a time is written in the attribute; printing it back must give the same text. */
export type TimestampFormat = 'iso' | 'iso-ms' | 'iso-us' | 'epoch-s' | 'epoch-ms' | 'epoch-us';

export type ColumnType =
  | { readonly kind: 'string' }
  | { readonly kind: 'long' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** Of a number only what a double holds; with `exact`, numbers that no double gives back do not fit. */
  | { readonly kind: 'double'; readonly exact?: true }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'binary' }
  /** A string column with the canonical text of a number that no numeric column holds. */
  | { readonly kind: 'number-text' }
  /** A string column with plain JSON of the value (origin tag `*`, or L/M of mixed content). */
  | { readonly kind: 'json' }
  /** A string column with the value as DynamoDB JSON: `{"M":{…}}`. */
  | { readonly kind: 'ddb-json' }
  /** timestamptz in microseconds, UTC. */
  | { readonly kind: 'timestamp'; readonly format: TimestampFormat }
  | { readonly kind: 'list'; readonly element: Slot }
  | { readonly kind: 'map'; readonly keyId: number; readonly value: Slot }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

/** A list's element or a map's value: a type without a name. */
export interface Slot {
  readonly id: number;
  readonly tag: OriginTag;
  readonly type: ColumnType;
}

/** A struct's field, or a top-level column: comes from attribute `attr`, where its type tag is `tag`. */
export interface Field {
  readonly id: number;
  /** The column's name in the table. */
  readonly name: string;
  /** The attribute's name in the item, exactly. */
  readonly attr: string;
  readonly tag: OriginTag;
  readonly type: ColumnType;
}

/** Columns that tailrace adds; attributes may not take their names. */
export const SYSTEM_COLUMNS = ['_rescued', '_written_at', '_deleted', '_operation', '_old_image', '_source'] as const;
export type SystemColumnName = (typeof SYSTEM_COLUMNS)[number];

/**
 * The system columns of a table by what its rows are. mirror: `_rescued`, and `_written_at` (time of the write in µs;
 * NULL on baseline rows). soft: also `_deleted` (true, or NULL). history: also `_operation` (baseline, insert, update,
 * delete; put where the export has no old images), `_old_image` (the former item as DynamoDB JSON `{"attr":{"S":…}}`, NULL where there is none) and `_source`
 * (ARN of the export).
 */
export function systemColumns(mode: 'mirror' | 'soft' | 'history'): readonly SystemColumnName[] {
  if (mode === 'soft') return ['_rescued', '_written_at', '_deleted'];
  if (mode === 'history') return ['_rescued', '_written_at', '_operation', '_old_image', '_source'];
  return ['_rescued', '_written_at'];
}

export interface SystemColumn {
  readonly id: number;
  readonly name: SystemColumnName;
}

/** `<x>_ts`: a timestamptz derived from a string or number attribute so that tables can be partitioned by time. */
export interface DerivedColumn {
  readonly id: number;
  readonly name: string;
  /** Name of the top-level column it is computed from. */
  readonly from: string;
  readonly format: TimestampFormat;
}

export interface TableSchema {
  /** Order: keys, then names by bytes. */
  readonly columns: readonly Field[];
  readonly derived: readonly DerivedColumn[];
  readonly system: readonly SystemColumn[];
  /** Names of the key columns (not attributes), partition key first; empty when the key is unknown. */
  readonly keys: readonly string[];
  /** The highest field id ever given; ids are never used twice. */
  readonly lastFieldId: number;
}

/** The type as it lies in Parquet and in the table's format, free of any engine's spelling. */
export type PhysicalType =
  | 'string'
  | 'long'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'timestamptz'
  | { readonly decimal: readonly [precision: number, scale: number] };

/** The physical type of a leaf; lists, maps and structs have none. */
export function physicalType(type: ColumnType): PhysicalType | undefined {
  switch (type.kind) {
    case 'string':
    case 'number-text':
    case 'json':
    case 'ddb-json':
      return 'string';
    case 'long':
    case 'double':
    case 'boolean':
    case 'binary':
      return type.kind;
    case 'decimal':
      return { decimal: [type.precision, type.scale] };
    case 'timestamp':
      return 'timestamptz';
    default:
      return undefined;
  }
}

/** The type tag that a column of this kind comes from, unless something says otherwise. */
export function defaultTag(type: { readonly kind: ColumnType['kind']; readonly format?: TimestampFormat }): OriginTag {
  switch (type.kind) {
    case 'string':
      return 'S';
    case 'long':
    case 'decimal':
    case 'double':
    case 'number-text':
      return 'N';
    case 'boolean':
      return 'BOOL';
    case 'binary':
      return 'B';
    case 'json':
    case 'ddb-json':
      return '*';
    case 'timestamp':
      return type.format?.startsWith('epoch') === true ? 'N' : 'S';
    case 'list':
      return 'L';
    case 'map':
    case 'struct':
      return 'M';
  }
}

/** The physical type of a system column. */
export function systemType(name: SystemColumnName): PhysicalType {
  if (name === '_deleted') return 'boolean';
  return name === '_written_at' ? 'timestamptz' : 'string';
}
