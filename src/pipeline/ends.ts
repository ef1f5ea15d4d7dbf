import { TailraceError } from '../model/errors.ts';
import { type Location, parseLocation } from '../storage/locate.ts';
import { type CatalogName, parseCatalogName, tableNameOf } from './catalogs.ts';

/** What a user names as a source or a target, by the forms of the command's contract. */
export interface SourceEnd {
  readonly kind: 'export';
  readonly location: Location;
}

export type TargetEnd =
  | {
      /** Undefined: what lies there decides; a new table is an Iceberg table. */
      readonly format: 'iceberg' | 'parquet' | undefined;
      readonly location: Location;
    }
  | { readonly format: 'iceberg' | 'parquet'; readonly name: CatalogName };

const LATER: Readonly<Record<string, string>> = {
  dynamodb: 'reads tables only through their exports',
  landed: 'reads exports, not landed change files',
  delta: 'writes Iceberg and Parquet, not Delta Lake',
};

export function parseSource(text: string): SourceEnd {
  const { scheme, rest } = split(text);
  if (scheme === undefined || scheme === 'export') return { kind: 'export', location: parseLocation(rest) };
  throw refused('source', text, scheme, 'an export: ./folder, s3://bucket/prefix, or export:<location>');
}

export function parseTarget(text: string): TargetEnd {
  const { scheme, rest } = split(text);
  const expected =
    './folder, s3://bucket/prefix, iceberg:<location>, parquet:<location>, or a name in a catalog: ' +
    'iceberg:<catalog>.<namespace>.<table>, parquet:<catalog>.<namespace>.<table>';
  if (scheme !== undefined && scheme !== 'iceberg' && scheme !== 'parquet')
    throw refused('target', text, scheme, expected);
  if (isLocation(rest)) return { format: scheme, location: parseLocation(rest) };
  return { format: scheme ?? 'iceberg', name: checkedName(parseCatalogName(rest)) };
}

function checkedName(name: CatalogName): CatalogName {
  tableNameOf(name);
  return name;
}

/** A target is a location if it contains `/` or begins with `.` or `~`; otherwise it is a name in a catalog. */
function isLocation(text: string): boolean {
  return text.includes('/') || /^[.~]/.test(text);
}

function split(text: string): { readonly scheme: string | undefined; readonly rest: string } {
  const match = /^([a-z][a-z0-9+]*):(?!\/\/)(.*)$/s.exec(text);
  return match === null ? { scheme: undefined, rest: text } : { scheme: match[1], rest: match[2] ?? '' };
}

function refused(end: string, text: string, scheme: string, expected: string): TailraceError {
  const later = LATER[scheme];
  const message = later === undefined ? `“${scheme}:” is no kind of ${end}.` : `This version ${later}.`;
  return new TailraceError('USAGE', message, { place: end, expected, found: text, hint: `Name ${expected}.` });
}
