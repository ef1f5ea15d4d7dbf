/**
 * The types of a CSV file's columns, from its first records: a column is numbers, or booleans, if all its cells are.
 * A number counts as one only if no digit or sign would be lost by writing it as a number: `007`, `+1` and `12e4567`
 * are texts. Later cells that do not fit stay texts, which loses nothing and is counted.
 */
import type { AttributeValue } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';

export type CellType = 'string' | 'number' | 'boolean';

const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
/** As programs print floats: 1.5e-07, 1e-05, 2.5E+20. Codes such as 12e4567 have no sign and no point. */
const FLOAT = /^-?(?:\d(?:\.\d+)?[eE][+-]\d+|\d\.\d+[eE]\d+)$/;

/** The cell as a value of its column's type, or as text where it is none. */
export function cellValue(text: string, type: CellType): { readonly value: AttributeValue; readonly fits: boolean } {
  if (type === 'number') {
    const number = numberOf(text);
    if (number !== undefined) return { value: { tag: 'N', value: number }, fits: true };
  } else if (type === 'boolean') {
    const flag = booleanOf(text);
    if (flag !== undefined) return { value: { tag: 'BOOL', value: flag }, fits: true };
  }
  return { value: { tag: 'S', value: text }, fits: type === 'string' };
}

/** The type of a column with these cells; empty cells say nothing. */
export function columnType(cells: Iterable<string>): CellType {
  let type: CellType | undefined;
  for (const cell of cells) {
    if (cell === '') continue;
    const own = numberOf(cell) !== undefined ? 'number' : booleanOf(cell) !== undefined ? 'boolean' : 'string';
    if (own === 'string' || (type !== undefined && type !== own)) return 'string';
    type = own;
  }
  return type ?? 'string';
}

function numberOf(text: string): string | undefined {
  return PLAIN_NUMBER.test(text) || FLOAT.test(text) ? canonicalNumber(text) : undefined;
}

function booleanOf(text: string): boolean | undefined {
  switch (text) {
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
    default:
      return undefined;
  }
}
