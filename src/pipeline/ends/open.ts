import { TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import type { TableState } from '../../model/table.ts';
import type { SchemaFile } from '../../schema/files/user-schema.ts';
import { findExports, findFullExport } from '../../source/export/discover.ts';
import { describeKey } from '../../source/export/key.ts';
import { openFullExport } from '../../source/export/open.ts';
import { SUMMARY_FILE } from '../../source/export/summary.ts';
import type { Export, FoundExport, FullExport } from '../../source/port.ts';
import { openStorage, parseLocation } from '../../storage/locate.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';
import { openIcebergTable } from '../../table/iceberg/open.ts';
import { MANIFEST_NAME } from '../../table/parquet/manifest.ts';
import { openParquetTable } from '../../table/parquet/table.ts';
import { parseExport, parseTarget } from './ends.ts';
import { openNamed, refuseCatalogOptions } from './named.ts';
import { noTable } from './no-table.ts';
import type { OpenTarget, Purpose } from './target.ts';

export interface OpenSource {
  readonly storage: Storage;
  readonly export: FullExport;
}

/** Puts something between a run and the storage of one of its ends. */
export type WrapStorage = (storage: Storage, end: 'source' | 'target') => Storage;

export type { OpenTarget } from './target.ts';

export interface OpenExports {
  readonly storage: Storage;
  readonly found: readonly FoundExport[];
  readonly warnings: readonly Warning[];
  /** Why some could not be read. */
  readonly unreadable: readonly TailraceError[];
}

/** Finds all exports that the text names: one, or those below a folder, but for those begun before a time. */
export async function openExports(
  text: string,
  options: SyncOptions,
  context: RunContext,
  wrap?: WrapStorage,
  begunSince?: number,
): Promise<OpenExports> {
  const { location } = parseExport(text);
  const opened = await openStorage(location, { aws: options.sourceAws });
  const storage = wrap?.(opened, 'source') ?? opened;
  try {
    const { exports: found, warnings, unreadable, passed } = await findExports(storage, location.key, begunSince);
    context.log('info', 'found exports', { exports: found.length, olderThanTheTable: passed });
    return { storage, found, warnings, unreadable };
  } catch (thrown) {
    await storage.close();
    throw thrown;
  }
}

/** Finds and opens the one full export that the text names. */
export async function openSource(
  text: string,
  options: SyncOptions,
  context: RunContext,
  wrap?: WrapStorage,
): Promise<OpenSource> {
  const { location } = parseExport(text);
  const opened = await openStorage(location, { aws: options.sourceAws });
  const storage = wrap?.(opened, 'source') ?? opened;
  try {
    const folder = await findFullExport(storage, location.key);
    const found = await openFullExport(storage, folder, { trustManifest: options.trustManifest });
    context.log('info', 'opened export', { uri: found.uri, files: found.files.length, items: found.itemCount });
    return { storage, export: found };
  } catch (thrown) {
    await storage.close();
    throw thrown;
  }
}

/** Opens the table that the text names, whether it is there yet or not. */
export async function openTarget(
  text: string,
  options: SyncOptions,
  purpose: Purpose = 'read',
  wrap?: WrapStorage,
): Promise<OpenTarget> {
  const end = parseTarget(text);
  if ('name' in end) return openNamed(end, options, purpose, (storage) => wrap?.(storage, 'target') ?? storage);
  refuseCatalogOptions(options);
  const { format, location } = end;
  const opened = await openStorage(location, {
    aws: options.targetAws,
    ...(options.sse === undefined ? {} : { sse: options.sse }),
  });
  const storage = wrap?.(opened, 'target') ?? opened;
  try {
    const parquet = format === 'parquet' || (format === undefined && (await hasManifest(storage, location.key)));
    const table = parquet ? openParquetTable(storage, location.uri) : openIcebergTable(storage, location.key);
    return { storage, key: location.key, table, close: () => storage.close() };
  } catch (thrown) {
    await storage.close();
    throw thrown;
  }
}

async function hasManifest(storage: Storage, folder: string): Promise<boolean> {
  return (await storage.head(folder === '' ? MANIFEST_NAME : `${folder}/${MANIFEST_NAME}`)) !== undefined;
}

/** The schema file of `--schema`, if one is named. */
export async function readSchemaOption(options: SyncOptions): Promise<SchemaFile | undefined> {
  return options.schemaFile === undefined ? undefined : readSchemaAt(options.schemaFile, options);
}

/** The schema file at a place, local or on S3. */
export async function readSchemaAt(text: string, options: SyncOptions): Promise<SchemaFile> {
  const location = parseLocation(text);
  const storage = await openStorage(location, { aws: options.sourceAws });
  try {
    // Its reader brings a YAML parser, which few loads need.
    const { readSchemaFile } = await import('../../schema/files/read.ts');
    return readSchemaFile(Buffer.from(await storage.get(location.key)).toString('utf8'), location.uri);
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound)) throw thrown;
    const folder = await isFolder(storage, location.key);
    throw new TailraceError('SCHEMA_FILE', `The schema file is ${folder ? 'a folder' : 'not there'}.`, {
      place: location.uri,
      cause: thrown,
      ...(folder ? { expected: 'a file', found: 'a folder' } : {}),
      hint: folder ? 'Name the file in it.' : 'tailrace schema infer <source> --out FILE writes one.',
    });
  } finally {
    await storage.close();
  }
}

async function isFolder(storage: Storage, key: string): Promise<boolean> {
  const names = storage.listFolder(key === '' ? '' : `${key}/`);
  try {
    for await (const _ of names) return true;
  } catch {
    // Whether it may be listed is not what was asked.
  }
  return false;
}

/** The key's attributes: as named, as in the schema file, as the table has them, as DynamoDB says; else unknown. */
export async function resolveKey(
  options: SyncOptions,
  file: SchemaFile | undefined,
  base: TableState | undefined,
  source: { readonly storage: Storage; readonly export: Export },
  context: RunContext,
): Promise<readonly string[]> {
  if (options.schema.key.length > 0) return options.schema.key;
  if (file?.key !== undefined && file.key.length > 0) return file.key;
  const recorded = (base?.schema.keys ?? []).flatMap(
    (name) => base?.schema.columns.find((column) => column.name === name)?.attr ?? [],
  );
  if (recorded.length > 0) return recorded;
  if (source.storage.kind !== 's3' && process.env['AWS_ENDPOINT_URL_DYNAMODB'] === undefined) return [];
  const { tableArn, tableId } = source.export;
  const keys = await describeKey({ arn: tableArn, id: tableId }, options.sourceAws, context.signal);
  return keys?.map(({ attr }) => attr) ?? [];
}

/** The table that an end names, or undefined when a plain location holds none: then it may hold an export. */
export async function findTable(
  end: string,
  options: SyncOptions,
): Promise<{ target: OpenTarget; state: TableState } | undefined> {
  if (end.startsWith('export:')) return undefined;
  const outright = /^(iceberg|parquet):/.test(end);
  const target = await openTarget(outright ? end : `${end.includes('/') ? '' : './'}${end}`, options, 'read');
  const state = await target.table.load().catch(async (thrown: unknown) => {
    if (!outright && thrown instanceof TailraceError && thrown.code === 'TARGET_BAD') return undefined;
    await target.close();
    throw thrown;
  });
  if (state !== undefined) return { target, state };
  await target.close();
  if (outright) throw noTable(target.table.location);
  return undefined;
}

/** The error for an export where a table should be: a source is not a target. A guess by two names, for the message. */
export async function exportInstead({ storage, key, table }: OpenTarget): Promise<TailraceError | undefined> {
  const signs = new Set([SUMMARY_FILE, 'AWSDynamoDB/']);
  let isExport = false;
  try {
    for await (const name of storage.listFolder(key === '' ? '' : `${key}/`)) isExport ||= signs.has(name);
  } catch {
    return undefined;
  }
  if (!isExport) return undefined;
  return new TailraceError('TARGET_NOT_FOUND', 'An export lies there, and no table: an export is a source.', {
    place: table.location,
    expected: 'a table',
    found: 'an export',
    hint: 'Load it first: tailrace sync <export> <table>; schema show and inspect read exports, too.',
  });
}
