import { TailraceError } from '../../model/errors.ts';

/** What manifest-summary.json says of any export. Fields that are not listed here may be anything. */
interface SummaryBase {
  readonly exportArn: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  readonly format: 'DYNAMODB_JSON' | 'ION';
  readonly itemCount: number;
  readonly s3Bucket: string | undefined;
}

export interface FullSummary extends SummaryBase {
  readonly kind: 'full';
  readonly exportTime: string;
}

export interface WindowSummary extends SummaryBase {
  readonly kind: 'incremental';
  readonly from: string;
  readonly to: string;
  readonly view: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
}

export type ExportSummary = FullSummary | WindowSummary;

export const SUMMARY_FILE = 'manifest-summary.json';
/** Full exports have the first; the second came with incremental exports and names its kind in exportType. */
const VERSIONS = ['2020-06-30', '2023-08-01'];
const FORMATS = ['DYNAMODB_JSON', 'ION'] as const;
/** The API says NEW_IMAGE, its description NEW_IMAGES. */
const VIEWS = { NEW_AND_OLD_IMAGES: 'NEW_AND_OLD_IMAGES', NEW_IMAGE: 'NEW_IMAGE', NEW_IMAGES: 'NEW_IMAGE' } as const;
const TABLE_ARN = /^arn:[^:]+:dynamodb:[^:]*:[^:]*:table\/([^/]+)$/;

/** The fields of a manifest-summary.json whose bytes lie at `place`: strict on what is used, tolerant of the rest. */
export function parseSummary(bytes: Uint8Array, place: string): ExportSummary {
  const fields = parseObject(bytes, place);
  const kind = readKind(fields, place);
  const tableArn = text(fields, 'tableArn', place);
  const tableName = TABLE_ARN.exec(tableArn)?.[1];
  if (tableName === undefined)
    throw bad('tableArn', 'arn:aws:dynamodb:<region>:<account>:table/<name>', tableArn, place);
  const outputFormat = text(fields, 'outputFormat', place);
  const format = FORMATS.find((known) => known === outputFormat);
  if (format === undefined) throw bad('outputFormat', FORMATS.join(' or '), outputFormat, place);
  const itemCount = fields['itemCount'];
  if (!isCount(itemCount)) throw bad('itemCount', 'a whole number', show(itemCount), place);
  const base: SummaryBase = {
    exportArn: text(fields, 'exportArn', place),
    tableArn,
    tableId: text(fields, 'tableId', place),
    tableName,
    format,
    itemCount,
    s3Bucket: typeof fields['s3Bucket'] === 'string' ? fields['s3Bucket'] : undefined,
  };
  if (kind === 'full') return { kind, ...base, exportTime: time(fields, 'exportTime', place) };
  return { kind, ...base, ...windowOf(fields, place) };
}

function windowOf(fields: Fields, place: string): Pick<WindowSummary, 'from' | 'to' | 'view'> {
  const from = time(fields, 'exportFromTime', place);
  const to = time(fields, 'exportToTime', place);
  if (Date.parse(from) >= Date.parse(to)) throw bad('exportToTime', `a time later than ${from}`, to, place);
  const outputView = text(fields, 'outputView', place);
  const view = Object.entries(VIEWS).find(([known]) => known === outputView)?.[1];
  if (view === undefined) throw bad('outputView', 'NEW_AND_OLD_IMAGES or NEW_IMAGE', show(outputView), place);
  return { from, to, view };
}

/** A time with its zone: without one it would mean another moment on another machine. */
function time(fields: Fields, name: string, place: string): string {
  const value = text(fields, name, place);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))) return value;
  throw bad(name, 'a time such as 2026-03-01T12:00:00.000Z', value, place);
}

/** 'full' or 'incremental', as far as the summary can be read; 'unreadable' otherwise. For looking around only. */
export function kindOfSummary(bytes: Uint8Array): {
  readonly kind: 'full' | 'incremental' | 'unreadable';
  readonly about: string;
} {
  try {
    const fields = parseObject(bytes, SUMMARY_FILE);
    const kind = isIncremental(fields) ? 'incremental' : 'full';
    const table = TABLE_ARN.exec(String(fields['tableArn']))?.[1] ?? 'unknown table';
    const time = String(fields['exportTime'] ?? fields['exportToTime'] ?? 'unknown time');
    return { kind, about: `table ${table}, ${time}` };
  } catch {
    return { kind: 'unreadable', about: 'manifest cannot be read' };
  }
}

function readKind(fields: Fields, place: string): 'full' | 'incremental' {
  const incremental = isIncremental(fields);
  const exportType = fields['exportType'];
  const expected = incremental ? 'INCREMENTAL_EXPORT' : 'FULL_EXPORT';
  if (exportType !== undefined && exportType !== null && exportType !== expected)
    throw bad('exportType', expected, show(exportType), place);
  const version = text(fields, 'version', place);
  const versions = incremental ? VERSIONS.slice(1) : VERSIONS;
  if (!versions.includes(version)) throw bad('version', versions.join(' or '), version, place);
  return incremental ? 'incremental' : 'full';
}

function isIncremental(fields: Fields): boolean {
  return (
    fields['exportType'] === 'INCREMENTAL_EXPORT' ||
    (fields['exportTime'] === undefined && fields['exportFromTime'] !== undefined)
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON of one object, with or without a byte order mark. */
export function parseObject(bytes: Uint8Array, place: string): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TailraceError('MANIFEST_BAD', 'A manifest is not JSON.', {
      place,
      cause,
      hint: "Copy the manifest again from the export's folder.",
    });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw bad('the manifest', 'a JSON object', show(parsed), place);
  return parsed as Fields;
}

/** The field, a string that is not empty. */
export function text(fields: Fields, name: string, place: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw bad(name, 'a text', show(value), place);
  return value;
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function show(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? '').slice(0, 80);
}

/** MANIFEST_BAD for one field. */
export function bad(field: string, expected: string, found: string, place: string): TailraceError {
  return new TailraceError('MANIFEST_BAD', `In the manifest, ${field} is not as it must be.`, {
    expected,
    found,
    place,
    hint: "Copy the manifest again from the export's folder, or run the export again.",
  });
}
