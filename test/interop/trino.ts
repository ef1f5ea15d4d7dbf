import type { TableSchema } from '../../src/model/schema.ts';
import type { Trino, TrinoRows, TrinoType } from '../servers/trino.ts';
import { type Canon, plainNumber } from './canonical.ts';
import type { Row } from './readers.ts';

/** The rows of a table as the other readers give them. `filter`: SQL on the columns. */
export async function readByTrino(trino: Trino, table: string, schema: TableSchema, filter?: string): Promise<Row[]> {
  const where = filter === undefined ? '' : ` WHERE ${filter}`;
  return canonicalRows(await trino.query(`SELECT * FROM ${table}${where}`), schema);
}

/** Names of columns are lower-case in Trino: they get back those of the schema. */
function canonicalRows({ columns, rows }: TrinoRows, schema: TableSchema): Row[] {
  const own = [...schema.columns, ...schema.derived, ...schema.system].map(({ name }) => name);
  const names = new Map(own.map((name) => [name.toLowerCase(), name]));
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(({ name, typeSignature }, index) => [names.get(name) ?? name, canonOf(typeSignature, row[index])]),
    ),
  );
}

function canonOf(type: TrinoType, value: unknown): Canon {
  if (value === null || value === undefined) return null;
  const [first, second] = type.arguments;
  switch (type.rawType) {
    case 'boolean':
      return value === true;
    case 'varchar':
      return String(value);
    case 'integer':
    case 'bigint':
    case 'decimal':
      return { $n: plainNumber(String(value)) };
    case 'double':
      return { $f: String(value) };
    case 'varbinary':
      return { $b: String(value) };
    // The Hive connector has no times with a zone: they are in UTC.
    case 'timestamp':
      return { $t: `${String(value).replace(' ', 'T')}Z` };
    case 'timestamp with time zone':
      return { $t: String(value).replace(' ', 'T').replace(/ UTC$/, 'Z') };
    case 'array':
      return (value as readonly unknown[]).map((element) => canonOf(first?.value as TrinoType, element));
    case 'map': {
      const entries = Object.entries(value as Readonly<Record<string, unknown>>);
      return { $m: entries.map(([key, each]) => [key, canonOf(second?.value as TrinoType, each)] as const) };
    }
    case 'row': {
      const members = (value as readonly unknown[]).map((member, index) => fieldOf(type, index, member));
      return { $s: Object.fromEntries(members) };
    }
    default:
      throw new Error(`no canonical form for ${type.rawType}`);
  }
}

function fieldOf(type: TrinoType, index: number, member: unknown): readonly [string, Canon] {
  const argument = type.arguments[index];
  if (argument === undefined) throw new Error(`a row of ${type.arguments.length} fields has more values`);
  const { fieldName, typeSignature } = argument.value as {
    readonly fieldName: { readonly name: string };
    readonly typeSignature: TrinoType;
  };
  return [fieldName.name, canonOf(typeSignature, member)];
}
