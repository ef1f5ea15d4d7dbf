import { TailraceError } from '../../model/errors.ts';
import type { PhysicalType } from '../../model/schema.ts';
import type { PartitionField } from '../../model/table.ts';
import { bucketHashSql } from './murmur.ts';

/**
 * Iceberg's partition transforms as SQL expressions (table spec, "Partition Transforms"). The session's time zone
 * must be UTC. `columnSql` is repeated, so it should be a plain column. NULL gives NULL.
 */
export function transformSql(
  field: Pick<PartitionField, 'transform' | 'width'>,
  columnSql: string,
  type: PhysicalType,
): string {
  const { transform, width } = field;
  switch (transform) {
    case 'identity':
      return columnSql;
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      if (type !== 'timestamptz') throw unfit(transform, type);
      return timeSql(transform, columnSql);
    case 'bucket':
      return `CAST((${bucketHashSql(columnSql, type)} & 2147483647) % ${widthOf(field)} AS INTEGER)`;
    case 'truncate':
      return truncateSql(widthOf({ transform, width: width ?? 0 }), columnSql, type);
  }
}

function timeSql(transform: 'year' | 'month' | 'day' | 'hour', column: string): string {
  if (transform === 'year') return `CAST(year(${column}) - 1970 AS INTEGER)`;
  if (transform === 'month') return `CAST((year(${column}) - 1970) * 12 + month(${column}) - 1 AS INTEGER)`;
  const micros = transform === 'day' ? 86_400_000_000 : 3_600_000_000;
  const time = `epoch_us(${column})`;
  // `//` cuts towards zero, but times before 1970 must fall into the day or hour that they are in.
  return `CAST((${time} - ((${time} % ${micros}) + ${micros}) % ${micros}) // ${micros} AS INTEGER)`;
}

function truncateSql(width: number, column: string, type: PhysicalType): string {
  if (type === 'string') return `left(${column}, ${width})`;
  if (type === 'binary') return `(${column})[1:${width}]`;
  if (type === 'long') return truncateLong(width, column);
  if (typeof type !== 'object') throw unfit('truncate', type);
  const scale = type.decimal[1];
  const value = `CAST(${column} AS DECIMAL(38, ${scale}))`;
  const step = `CAST('${width}e-${scale}' AS DECIMAL(38, ${scale}))`;
  return `(${value} - ((${value} % ${step}) + ${step}) % ${step})`;
}

/** Near the least long the result would not fit; Java wraps around there, and so must we. */
function truncateLong(width: number, column: string): string {
  const value = `CAST(${column} AS HUGEINT)`;
  const floor = `(${value} - ((${value} % ${width}) + ${width}) % ${width})`;
  return `CAST(CASE WHEN ${floor} < -9223372036854775808 THEN ${floor} + 18446744073709551616 ELSE ${floor} END AS BIGINT)`;
}

function widthOf(field: Pick<PartitionField, 'transform' | 'width'>): number {
  const { width, transform } = field;
  if (width !== undefined && Number.isInteger(width) && width > 0 && width <= 2147483647) return width;
  throw new TailraceError('CONFIG', `The partition transform ${transform} needs a whole width of 1 or more.`, {
    found: String(width),
    hint: `Write ${transform}(16, column).`,
  });
}

function unfit(transform: string, type: PhysicalType): TailraceError {
  const name = typeof type === 'string' ? type : `decimal(${type.decimal.join(', ')})`;
  return new TailraceError(
    'CONFIG',
    `The partition transform ${transform} cannot be applied to a column of type ${name}.`,
    {
      hint: 'Partition by another column, or by its identity.',
    },
  );
}
