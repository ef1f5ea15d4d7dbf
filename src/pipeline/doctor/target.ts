import { TailraceError } from '../../model/errors.ts';
import type { Findings } from '../../model/findings.ts';
import type { SyncOptions } from '../../model/options.ts';
import { openStorage, parseLocation } from '../../storage/locate.ts';
import { fileNeeds } from '../../storage/s3/needs.ts';
import { newestMetadata, openCatalog, tableNameOf } from '../ends/catalogs.ts';
import { parseTarget, type TargetEnd } from '../ends/ends.ts';
import { refuseCatalogOptions } from '../ends/named.ts';
import { openTarget } from '../ends/open.ts';
import { listPlace, probePlace } from './probe.ts';

export interface TargetOptions extends SyncOptions {
  readonly readOnly: boolean;
}

/** Tries what a run will ask of its target. Gives the URIs of objects that it could not remove again. */
export async function examineTarget(
  text: string,
  options: TargetOptions,
  findings: Findings,
): Promise<readonly string[]> {
  try {
    const end = parseTarget(text);
    const left = await ('name' in end
      ? examineNamed(end, options, findings)
      : examinePath(end, text, options, findings));
    return left === undefined ? [] : [left];
  } catch (thrown) {
    findings.fail('open the target', thrown);
    return [];
  }
}

/** A table at a location: no service knows it, and puts under conditions keep its writers apart. */
async function examinePath(
  { location }: Extract<TargetEnd, { location: unknown }>,
  text: string,
  options: TargetOptions,
  findings: Findings,
): Promise<string | undefined> {
  const { targetAws: aws, sse, readOnly } = options;
  refuseCatalogOptions(options);
  const storage = await openStorage(location, { aws, sse });
  try {
    const { uri } = location;
    const place = { storage, location: uri, region: aws.region, readOnly, conditional: true };
    // Without the right to list, what is not there looks like what may not be read.
    if (await listPlace(findings, place))
      await findings.try('see what lies there', fileNeeds(uri, aws.region).read, () => tableAt(text, options), told);
    return await probePlace(findings, place);
  } finally {
    await storage.close();
  }
}

function told(found: string): string {
  return found;
}

async function tableAt(text: string, options: SyncOptions): Promise<string> {
  const { table, close } = await openTarget(text, options, 'read');
  try {
    const state = await table.load();
    if (state === undefined) return 'no table yet';
    return `${state.format === 'iceberg' ? 'an Iceberg' : 'a Parquet'} table of ${state.rows} rows`;
  } finally {
    await close();
  }
}

async function examineNamed(
  { format, name: text }: Extract<TargetEnd, { name: unknown }>,
  options: TargetOptions,
  findings: Findings,
): Promise<string | undefined> {
  const { createNamespace, readOnly, location, targetAws } = options;
  const catalog = await openCatalog(text.catalog, options, (storage) => storage);
  try {
    if (format === 'parquet' && catalog.openShown === undefined) throw onlyIceberg(catalog.type);
    await examineRegistered(format, options, findings);
    const place = location === undefined ? {} : { location: parseLocation(location).uri };
    const found = await catalog.examine(tableNameOf(text), { format, readOnly, createNamespace, findings, ...place });
    if (found === undefined) return undefined;
    try {
      const { storage, location: folder } = found;
      // The manifest of a Parquet table is swapped under a condition, whatever the catalog does.
      const conditional = format === 'parquet';
      const files = { storage, location: folder, region: targetAws.region, readOnly, conditional };
      await listPlace(findings, files);
      return await probePlace(findings, files);
    } finally {
      await found.storage.close();
    }
  } finally {
    await catalog.close();
  }
}

/** A table that is to be taken into the catalog: it must lie where --register says. */
async function examineRegistered(
  format: 'iceberg' | 'parquet',
  options: TargetOptions,
  findings: Findings,
): Promise<void> {
  const { register, targetAws } = options;
  if (register === undefined || format === 'parquet') return;
  const { uri } = parseLocation(register);
  const { list, read } = fileNeeds(uri, targetAws.region);
  const found = (metadata: string): string => metadata;
  await findings.try('find the table to register', [...list, ...read], () => newestMetadata(register, options), found);
}

function onlyIceberg(type: string): TailraceError {
  return new TailraceError('CATALOG', `A catalog of the type ${type} has Iceberg tables alone.`, {
    expected: 'iceberg:<catalog>.<namespace>.<table>',
    hint: 'Name the table with iceberg: in front, or a location: parquet:s3://bucket/folder.',
  });
}
