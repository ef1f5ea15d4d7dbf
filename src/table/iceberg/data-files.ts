/** The live data files of a table, each with the position deletes that apply to it. */

import type { TableMetadata } from '../../catalog/metadata/wire.ts';
import { plainUri } from '../../catalog/paths.ts';
import type { CatalogTable } from '../../catalog/port.ts';
import { TailraceError } from '../../model/errors.ts';
import type { DeleteFile, LiveFile } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';
import type { SpecEntry } from './delete-file.ts';
import { deleteIndex, referencedFile } from './delete-file.ts';
import type { LiveManifest } from './live.ts';
import { liveManifests, manifestsOf, specEntries } from './live.ts';
import type { ManifestEntry } from './manifest.ts';
import { CONTENT } from './manifest.ts';
import { dataFile } from './manifest-read.ts';
import { currentSnapshot, specOf } from './metadata.ts';
import { tupleFields } from './partition.ts';
import { leaves } from './schema.ts';

/** The live data files of the current snapshot. */
export async function loadDataFiles(table: CatalogTable): Promise<readonly LiveFile[]> {
  const { storage } = table;
  const newest = await table.load();
  if (newest === undefined) return [];
  const { metadata } = newest;
  const place = newest.metadataLocation;
  const lines = await manifestsOf(storage, currentSnapshot(metadata));
  const manifests = await liveManifests(storage, metadata, lines, place);
  const index = deleteIndex(specEntries(manifests, 'deletes'));
  const toFile = fileReader(storage, metadata, place);
  return specEntries(manifests, 'data').map((data) => {
    refuseOtherFormats(data.entry);
    const deletes = index.of(data).map((entry) => deleteFile(storage, data, entry));
    return { ...toFile(data), ...(deletes.length === 0 ? {} : { deletes }) };
  });
}

/** Rows that are live: those of the data files without the positions that are deleted in them. */
export function liveRows(manifests: readonly LiveManifest[]): number {
  const deletes = specEntries(manifests, 'deletes').filter(
    ({ entry }) => entry.file.content === CONTENT.positionDeletes,
  );
  const index = deleteIndex(deletes);
  const applied = new Set<ManifestEntry>();
  let rows = 0n;
  for (const data of specEntries(manifests, 'data')) {
    rows += data.entry.file.record_count;
    for (const entry of index.of(data)) applied.add(entry);
  }
  for (const entry of applied) rows -= entry.file.record_count;
  return Number(rows < 0n ? 0n : rows);
}

function fileReader(storage: Storage, metadata: TableMetadata, place: string): (data: SpecEntry) => LiveFile {
  const columns = new Map(metadata.schemas.flatMap((schema) => [...leaves(schema)]));
  const bySpec = new Map(
    metadata['partition-specs'].map((spec) => {
      const shown = spec.fields.map((field) => field.transform !== 'void');
      return [spec['spec-id'], { shown, tuple: tupleFields(spec, metadata.schemas) }];
    }),
  );
  return ({ specId, entry }) => {
    const { shown, tuple } = bySpec.get(specId) ?? {
      shown: [],
      tuple: tupleFields(specOf(metadata, specId, place), metadata.schemas),
    };
    const spelling = entry.file.file_path;
    const path = plainUri(storage, spelling);
    return {
      ...dataFile(entry, tuple, shown, columns, path),
      ...(spelling === path ? {} : { spelling }),
      ...(specId === metadata['default-spec-id'] ? {} : { otherSpec: true as const }),
    };
  };
}

function deleteFile(storage: Storage, data: SpecEntry, entry: ManifestEntry): DeleteFile {
  const { file } = entry;
  if (file.content === CONTENT.equalityDeletes) throw equalityDeletes(file.file_path, data.entry.file.file_path);
  refuseOtherFormats(entry);
  const named = referencedFile(file);
  return {
    path: plainUri(storage, file.file_path),
    rows: Number(file.record_count),
    sizeBytes: Number(file.file_size_in_bytes),
    ...(named === undefined ? {} : { dataFile: plainUri(storage, named) }),
  };
}

function refuseOtherFormats({ file }: ManifestEntry): void {
  if (file.file_format.toLowerCase() === 'parquet') return;
  throw new TailraceError('TARGET_BAD', `The table has a file of format ${file.file_format}.`, {
    place: file.file_path,
    expected: 'Parquet files only',
    found: file.file_format,
    hint: "Set the table's properties 'write.format.default' and 'write.delete.format.default' to 'parquet' and rewrite its data files.",
  });
}

function equalityDeletes(place: string, dataPath: string): TailraceError {
  return new TailraceError('TARGET_BAD', 'The table has equality deletes, which tailrace does not read.', {
    place,
    expected: 'position deletes only',
    found: `equality deletes that apply to ${dataPath}`,
    hint:
      "Rewrite the data files without them in Spark: CALL <catalog>.system.rewrite_data_files(table => '<database>.<table>', " +
      "options => map('rewrite-all', 'true', 'remove-dangling-deletes', 'true')). Then run again.",
  });
}
