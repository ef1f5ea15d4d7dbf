import type { DuckDBType, DuckDBValue, DuckDBVector } from '@duckdb/node-api';

/** What a query gives to JavaScript: exact, and printable as JSON once bigints are written as numbers. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | { readonly [name: string]: Value };

/** The types that scalar functions written in JavaScript may take and give. */
export type ScalarType = 'VARCHAR' | 'BLOB' | 'BIGINT' | 'INTEGER' | 'BOOLEAN';

export interface ScalarFunction {
  readonly name: string;
  readonly parameters: readonly ScalarType[];
  readonly returns: ScalarType;
  /** NULL in any argument gives NULL and is never passed. BLOB is a Uint8Array, BIGINT a bigint. */
  readonly call: (
    ...values: readonly (string | bigint | number | boolean | Uint8Array)[]
  ) => string | bigint | number | boolean | Uint8Array | null;
}

type DuckModule = typeof import('@duckdb/node-api');

/**
 * An engine's value as a plain one. Decimals are text, because a double would lose digits; integers of 64 bits
 * and more are bigint; binary is base64; times are ISO text in UTC; maps with text keys are objects.
 */
export function plainValue(duckdb: DuckModule, value: DuckDBValue): Value {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return value;
  if (value instanceof duckdb.DuckDBListValue || value instanceof duckdb.DuckDBArrayValue) {
    return value.items.map((item) => plainValue(duckdb, item));
  }
  if (value instanceof duckdb.DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, part]) => [name, plainValue(duckdb, part)]));
  }
  if (value instanceof duckdb.DuckDBMapValue) return plainMap(duckdb, value.entries);
  if (value instanceof duckdb.DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof duckdb.DuckDBTimestampTZValue) return isoMicros(value.micros);
  return String(value);
}

function plainMap(duckdb: DuckModule, entries: readonly { key: DuckDBValue; value: DuckDBValue }[]): Value {
  if (entries.every(({ key }) => typeof key === 'string')) {
    return Object.fromEntries(entries.map(({ key, value }) => [String(key), plainValue(duckdb, value)]));
  }
  return entries.map(({ key, value }) => ({ key: plainValue(duckdb, key), value: plainValue(duckdb, value) }));
}

/** Microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffffZ`; years outside 0–9999 have a sign, as in ISO 8601. */
export function isoMicros(micros: bigint): string {
  const millis = micros >= 0n ? micros / 1000n : -((-micros + 999n) / 1000n);
  const date = new Date(Number(millis));
  if (Number.isNaN(date.getTime())) return String(micros);
  return `${date.toISOString().slice(0, -1)}${String(micros - millis * 1000n).padStart(3, '0')}Z`;
}

/** Fills one output vector of a JavaScript scalar function from its input columns. */
export function applyScalar(
  duckdb: DuckModule,
  fn: ScalarFunction,
  columns: readonly (readonly DuckDBValue[])[],
  rows: number,
  output: DuckDBVector,
): void {
  for (let row = 0; row < rows; row++) {
    const values = columns.map((column) => column[row] ?? null);
    const result = values.includes(null) ? null : fn.call(...values.map((value) => scalarInput(duckdb, value)));
    output.setItem(row, result instanceof Uint8Array ? new duckdb.DuckDBBlobValue(result) : result);
  }
  output.flush();
}

function scalarInput(duckdb: DuckModule, value: DuckDBValue): string | bigint | number | boolean | Uint8Array {
  if (value instanceof duckdb.DuckDBBlobValue) return value.bytes;
  if (typeof value === 'object' || value === undefined) return String(value);
  return value;
}

/** The engine's object for a scalar type. */
export function scalarType(duckdb: DuckModule, type: ScalarType): DuckDBType {
  return duckdb[type];
}
