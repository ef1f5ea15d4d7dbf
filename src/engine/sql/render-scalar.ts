import type { ColumnType, TimestampFormat } from '../../model/schema.ts';

/** Typed numbers and times back into the text that DynamoDB holds: plain decimal, or the format of the time. */

/** The text behind the type tag that a scalar came from. */
export function scalarText(x: string, type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return x;
    case 'boolean':
      return `${x}::VARCHAR`;
    case 'binary':
      return `to_base64(${x})`;
    case 'timestamp':
      return timeText(x, type.format);
    default:
      return numberText(x, type);
  }
}

/** The canonical plain decimal text of a number column's value: no exponent, no zeros at the end. */
export function numberText(x: string, type: ColumnType): string {
  switch (type.kind) {
    case 'decimal':
      return decimalText(x, type.precision, type.scale);
    case 'double':
      return doubleText(x);
    case 'number-text':
      return x;
    default:
      return `${x}::VARCHAR`;
  }
}

function decimalText(x: string, precision: number, scale: number): string {
  const text = `${x}::VARCHAR`;
  if (scale === 0) return text;
  const short = `rtrim(rtrim(${text}, '0'), '.')`;
  // Without integer digits the engine prints `.05`, and nothing at all is left of zero.
  if (precision === scale) return `CASE WHEN ${x} = 0 THEN '0' ELSE replace(${short}, '.', '0.') END`;
  return short;
}

/** The shortest digits that give the same double, without an exponent. */
function doubleText(x: string): string {
  const text = `${x}::VARCHAR`;
  const digits = `replace(ltrim(split_part(${text}, 'e', 1), '-'), '.', '')`;
  const exponent = `split_part(${text}, 'e', 2)::INTEGER`;
  const sign = `CASE WHEN ${x} < 0 THEN '-' ELSE '' END`;
  const large = `rpad(${digits}, 1 + ${exponent}, '0')`;
  const small = `'0.' || repeat('0', -${exponent} - 1) || ${digits}`;
  const expanded = `${sign} || CASE WHEN ${exponent} > 0 THEN ${large} ELSE ${small} END`;
  return `CASE WHEN ${x} = 0 THEN '0' WHEN contains(${text}, 'e') THEN ${expanded} ELSE regexp_replace(${text}, '\\.0$', '') END`;
}

/** A time in the format that its attribute has. */
export function timeText(x: string, format: TimestampFormat): string {
  switch (format) {
    case 'iso':
      return `strftime(${x}, '%Y-%m-%dT%H:%M:%SZ')`;
    case 'iso-ms':
      return `strftime(${x}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
    case 'iso-us':
      return `strftime(${x}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
    case 'epoch-s':
      return `(epoch_us(${x}) // 1000000)::VARCHAR`;
    case 'epoch-ms':
      return `(epoch_us(${x}) // 1000)::VARCHAR`;
    case 'epoch-us':
      return `epoch_us(${x})::VARCHAR`;
  }
}
