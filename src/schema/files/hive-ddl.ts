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
  const columns = [
    ...schema.columns.map((column) => `${quoted(column.name)} ${hiveType(column.type)}${origin(column)}`),
    ...schema.derived.map(({ name, from }) => `${quoted(name)} timestamp COMMENT ${literal(`derived from ${from}`)}`),
    ...schema.system.map(({ name }) => `${quoted(name)} ${leaf(systemType(name))}`),
  ];
  const name = tableName.split('.').map(quoted).join('.');
  const place = location === undefined ? '' : `\nLOCATION ${literal(location.replace(/\/*$/, '/'))}`;
  return `CREATE EXTERNAL TABLE ${name} (\n  ${columns.join(',\n  ')}\n)\nSTORED AS PARQUET${place};\n`;
}

/** Athena's spelling of a type. */
export function hiveType(type: ColumnType): string {
  switch (type.kind) {
    case 'list':
      return `array<${hiveType(type.element.type)}>`;
    case 'map':
      return `map<string,${hiveType(type.value.type)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${quoted(field.name)}:${hiveType(field.type)}`).join(',')}>`;
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
function origin({ attr, name, tag, type }: Field): string {
  const plain =
    attr === name && (type.kind !== 'list' || tag === 'L') && !['json', 'ddb-json', 'number-text'].includes(type.kind);
  if (plain) return '';
  const kind = physicalType(type) === 'string' && type.kind !== 'string' ? `, ${type.kind}` : '';
  return ` COMMENT ${literal([...`attribute ${attr}, ${tag}${kind}`].slice(0, COMMENT_CHARACTERS).join(''))}`;
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function literal(text: string): string {
  return `'${text.replace(/\p{Cc}/gu, ' ').replace(/[\\']/g, '\\$&')}'`;
}
