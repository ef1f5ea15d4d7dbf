/**
 * What a load will ask of a catalog, tried before there is one. Nothing of it changes a table or makes one: changes are
 * sent under conditions that cannot hold, so that a catalog refuses them for that, or for want of a permission.
 */
import type { Findings } from '../model/findings.ts';
import type { Storage } from '../storage/port.ts';
import { fileNeeds } from '../storage/s3/needs.ts';
import { readMetadataFile } from './metadata/file.ts';
import { plainUri } from './paths.ts';

export interface ExamineOptions {
  /** URI of a folder to create the table in, if it is not there; absent: the catalog's default. */
  readonly location?: string;
  /** A namespace that is not there would be made. */
  readonly createNamespace?: boolean;
  readonly format: 'iceberg' | 'parquet';
  /** Nothing is sent that could change anything, whatever its conditions. */
  readonly readOnly: boolean;
  /** Gets what was tried, in order. */
  readonly findings: Findings;
}

/** Where the files of a table lie, or would lie. */
export interface ExaminedFiles {
  readonly storage: Storage;
  /** URI of the table's folder. */
  readonly location: string;
}

/** Reads the metadata file that a catalog names: it says where the table lies. */
export async function examineMetadata(
  findings: Findings,
  storage: Storage,
  metadataLocation: string,
  region?: string,
): Promise<ExaminedFiles | undefined> {
  const folder = metadataLocation.slice(0, metadataLocation.lastIndexOf('/'));
  const { read } = fileNeeds(folder, region);
  const metadata = await findings.try("read the table's metadata", read, () =>
    readMetadataFile(storage, metadataLocation),
  );
  if (metadata !== undefined) return { storage, location: plainUri(storage, metadata.value.location) };
  await storage.close();
  return undefined;
}
