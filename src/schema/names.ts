/**
 * Column names for attribute names. Invariants: no two names of one level are equal ignoring case;
 * a recorded name never changes; the result depends on the set of attributes, not on their order.
 */
import { createHash } from 'node:crypto';
import { compareBytes } from '../model/byte-order.ts';
import { SYSTEM_COLUMNS } from '../model/schema.ts';

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const CUT_CHARACTERS = 100;
const HASH_DIGITS = 8;

/** Names that no top-level column may take: tailrace's own, and the metadata columns of the engines. */
export const RESERVED_NAMES: readonly string[] = [
  ...SYSTEM_COLUMNS,
  '_sequence',
  '_deleted',
  '_source',
  // Iceberg's metadata columns, and those of its change log.
  '_file',
  '_pos',
  '_spec_id',
  '_partition',
  '_row_id',
  '_last_updated_sequence_number',
  '_change_type',
  '_change_ordinal',
  '_commit_snapshot_id',
  'file_path',
  'pos',
  // Delta's change data feed, and Spark's hidden column of file sources.
  '_commit_version',
  '_commit_timestamp',
  '_metadata',
];

export interface NameOptions {
  /** Compared ignoring case. Struct fields have no reserved names. */
  readonly reserved: readonly string[];
}

/**
 * The column name of each attribute. Recorded names win, then names that every engine accepts stay
 * as they are, then the rest is rewritten; each round goes in byte order.
 */
export function assignNames(
  attrs: readonly string[],
  recorded: ReadonlyMap<string, string>,
  options: NameOptions,
): Map<string, string> {
  const taken = new Set(options.reserved.map(foldCase));
  // Columns that this load does not see keep their names, too.
  for (const name of recorded.values()) taken.add(foldCase(name));
  const sorted = [...new Set(attrs)].sort(compareBytes);
  const names = new Map<string, string>();
  const take = (attr: string, name: string): void => {
    taken.add(foldCase(name));
    names.set(attr, name);
  };
  for (const attr of sorted) {
    const before = recorded.get(attr);
    if (before !== undefined) names.set(attr, before);
    else if (isPlainName(attr) && !taken.has(foldCase(attr))) take(attr, attr);
  }
  for (const attr of sorted) {
    if (!names.has(attr)) take(attr, freeName(attr, taken));
  }
  return names;
}

/** Whether every engine takes the name without quotes or a rewrite. */
export function isPlainName(name: string): boolean {
  return PLAIN.test(name);
}

/** Names are equal to Glue, Hive and DuckDB when their folded forms are. */
export function foldCase(name: string): string {
  return name.toLowerCase();
}

/** A free name made from any text: rewritten characters first, digits of a hash where that is taken. */
export function freeName(attr: string, taken: ReadonlySet<string>): string {
  const plain = rewrite(attr);
  if (!taken.has(foldCase(plain))) return plain;
  const hash = createHash('sha256').update(attr).digest('hex');
  for (let digits = HASH_DIGITS; digits <= hash.length; digits += 1) {
    const name = `${plain}_${hash.slice(0, digits)}`;
    if (!taken.has(foldCase(name))) return name;
  }
  // Only texts with lone surrogates share all their bytes.
  for (let count = 2; ; count += 1) {
    const name = `${plain}_${hash}_${count}`;
    if (!taken.has(foldCase(name))) return name;
  }
}

function rewrite(attr: string): string {
  if (isPlainName(attr)) return attr.slice(0, CUT_CHARACTERS);
  // By code point, so that an emoji becomes one underscore.
  const plain = attr.replace(/[^A-Za-z0-9_]/gu, '_').slice(0, CUT_CHARACTERS);
  return plain === '' || /^[0-9]/.test(plain) ? `_${plain}` : plain;
}
