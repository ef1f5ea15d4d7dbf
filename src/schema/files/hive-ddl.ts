import {
  type ColumnType,
  type Field,
  type PhysicalType,
  physicalType,
  systemType,
  type TableSchema,
} from '../../model/schema.ts';

/** Glue takes no longer comments. */
const COMMENT_CHARACTERS = 255;

/**
 * `CREATE EXTERNAL TABLE` for Hive and Athena over the Parquet files of a table.
 * @param tableName `table` or `database.table`
 * @param location the folder that readers open
 */
export function writeHiveDdl(schema: TableSchema, tableName: string, location?: string): string {
  const columns = hiveColumns(schema, quoted).map(
    ({ name, type, comment }) =>
      `${quoted(name)} ${type}${comment === undefined ? '' : ` COMMENT ${literal(comment)}`}`,
  );
  const name = tableName.split('.').map(quoted).join('.');
  const place = location === undefined ? '' : `\nLOCATION ${literal(location.replace(/\/*$/, '/'))}`;
  return `CREATE EXTERNAL TABLE ${name} (\n  ${columns.join(',\n  ')}\n)\nSTORED AS PARQUET${place};\n`;
}

/** A column as Hive and Athena know it. */
export interface HiveColumn {
  readonly name: string;
  readonly type: string;
  /** Where the column comes from, if its name and type alone do not tell. */
  readonly comment?: string;
}

/** All columns of a table, in their order. `field`: how the names of struct fields are written. */
export function hiveColumns(schema: TableSchema, field: (name: string) => string): readonly HiveColumn[] {
  return [
    ...schema.columns.map((column) => {
      const comment = origin(column);
      return { name: column.name, type: hiveType(column.type, field), ...(comment === undefined ? {} : { comment }) };
    }),
    ...schema.derived.map(({ name, from }) => ({ name, type: 'timestamp', comment: cut(`derived from ${from}`) })),
    ...schema.system.map(({ name }) => ({ name, type: leaf(systemType(name)) })),
  ];
}

/** Athena's spelling of a type. `name`: how the names of struct fields are written. */
export function hiveType(type: ColumnType, name: (text: string) => string = quoted): string {
  switch (type.kind) {
    case 'list':
      return `array<${hiveType(type.element.type, name)}>`;
    case 'map':
      return `map<string,${hiveType(type.value.type, name)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${name(field.name)}:${hiveType(field.type, name)}`).join(',')}>`;
    default:
      return leaf(physicalType(type));
  }
}

function leaf(type: PhysicalType | undefined): string {
  if (typeof type === 'object') return `decimal(${type.decimal[0]},${type.decimal[1]})`;
  switch (type) {
    case 'long':
      return 'bigint';
    case 'timestamptz':
      return 'timestamp';
    default:
      return type ?? 'string';
  }
}

/** Where the name or the type alone does not tell where a column comes from. */
function origin({ attr, name, tag, type }: Field): string | undefined {
  const plain =
    attr === name && (type.kind !== 'list' || tag === 'L') && !['json', 'ddb-json', 'number-text'].includes(type.kind);
  if (plain) return undefined;
  const kind = physicalType(type) === 'string' && type.kind !== 'string' ? `, ${type.kind}` : '';
  return cut(`attribute ${attr}, ${tag}${kind}`);
}

function cut(text: string): string {
  return [...text.replace(/\p{Cc}/gu, ' ')].slice(0, COMMENT_CHARACTERS).join('');
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function literal(text: string): string {
  return `'${text.replace(/\p{Cc}/gu, ' ').replace(/[\\']/g, '\\$&')}'`;
}
