import { TailraceError } from '../../model/errors.ts';
import { type Location, parseLocation } from '../../storage/locate.ts';
import { type CatalogName, parseCatalogName, tableNameOf } from './catalogs.ts';

/** What a user names as a source or a target, by the forms of the command's contract. */
export interface ExportEnd {
  readonly kind: 'export';
  readonly location: Location;
}

export type SourceEnd =
  | ExportEnd
  | {
      readonly kind: 'dynamodb';
      /** Name or ARN. */
      readonly table: string;
      /** Of the ARN. */
      readonly region?: string;
    };

export type TargetEnd =
  | {
      /** Undefined: what lies there decides; a new table is an Iceberg table. */
      readonly format: 'iceberg' | 'parquet' | undefined;
      readonly location: Location;
    }
  | { readonly format: 'iceberg' | 'parquet'; readonly name: CatalogName };

const LATER: Readonly<Record<string, string>> = {
  dynamodb: 'writes no DynamoDB tables with this verb',
  landed: 'reads exports, not landed change files',
  delta: 'writes Iceberg and Parquet, not Delta Lake',
};

export function parseSource(text: string): SourceEnd {
  const { scheme, rest } = split(text);
  if (scheme === undefined || scheme === 'export') return { kind: 'export', location: parseLocation(rest) };
  if (scheme === 'dynamodb') return parseTable(rest, text);
  throw refused(
    'source',
    text,
    scheme,
    'an export (./folder, s3://bucket/prefix, export:<location>) or a table (dynamodb:<name or ARN>)',
  );
}

/** Whether a text names a DynamoDB table. */
export function isDynamo(text: string): boolean {
  return text.startsWith('dynamodb:');
}

/** The same for what reads exports only. */
export function parseExport(text: string): ExportEnd {
  const end = parseSource(text);
  if (end.kind === 'export') return end;
  throw new TailraceError('USAGE', 'This takes exports, and not a table itself.', {
    found: text,
    expected: 'an export: ./folder, s3://bucket/prefix, or export:<location>',
    hint: `Load it first: tailrace sync ${text} <target>.`,
  });
}

const TABLE_NAME = /^[A-Za-z0-9_.-]{3,255}$/;
const TABLE_ARN = /^arn:[a-z-]+:dynamodb:([a-z0-9-]+):\d{12}:table\/[A-Za-z0-9_.-]{3,255}$/;

function parseTable(table: string, text: string): SourceEnd {
  const region = TABLE_ARN.exec(table)?.[1];
  if (region !== undefined) return { kind: 'dynamodb', table, region };
  if (TABLE_NAME.test(table)) return { kind: 'dynamodb', table };
  throw new TailraceError('USAGE', 'The name of the DynamoDB table cannot be one.', {
    found: text,
    expected: 'dynamodb:<name>, or dynamodb:<ARN of a table>; an index is no source',
    hint: 'Names have 3 to 255 letters, digits, _, - and dots.',
  });
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
