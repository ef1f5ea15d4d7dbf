import { describe, expect, test } from 'vitest';
import type { DataFile } from '../../../src/model/table.ts';
import { readAvroFile } from '../../../src/table/iceberg/avro.ts';
import type { ManifestContext, ManifestEntry } from '../../../src/table/iceberg/manifest.ts';
import { addedEntry, deletedEntry, writeManifests } from '../../../src/table/iceberg/manifest.ts';
import { dataFile, readManifest } from '../../../src/table/iceberg/manifest-read.ts';
import { tupleFields } from '../../../src/table/iceberg/partition.ts';
import { icebergSchema, leaves } from '../../../src/table/iceberg/schema.ts';
import { evolveSpec } from '../../../src/table/iceberg/spec.ts';
import { everyType, fileOf } from './sample.ts';

const schema = icebergSchema(everyType, 0);
const { spec } = evolveSpec(
  [
    { column: 'region', transform: 'identity', name: 'region' },
    { column: 'amount', transform: 'identity', name: 'amount' },
  ],
  everyType,
  [],
  0,
);
const context: ManifestContext = { spec, tuple: tupleFields(spec, [schema]), schema };
const columns = leaves(schema);

const FILE: DataFile = fileOf('s3://bucket/data/region=%C3%A9/f.parquet', {
  partition: ['é', null],
  splitOffsets: [4, 5_000_000_000],
  stats: {
    1: { valueCount: 3, nullCount: 0, sizeBytes: 20, min: 'a', max: 'z'.repeat(20) },
    8: { valueCount: 3, nullCount: 1, sizeBytes: 24, min: '-0.01', max: '12.50' },
    15: { valueCount: 9, nullCount: 0, sizeBytes: 9, min: 'x', max: 'y' },
    30: { valueCount: 3, nullCount: 3, sizeBytes: 5 },
  },
});

const added = (file: DataFile): ManifestEntry => addedEntry(file, context, columns, 77n, 1);
const written = (entries: readonly ManifestEntry[], limit?: number) =>
  writeManifests(context, entries, 77n, 5n, (index) => `s3://bucket/metadata/m${index}.avro`, limit);

describe('manifests', () => {
  test('carry a file with its statistics; no bounds below lists', async () => {
    const [manifest] = await written([added(FILE)]);
    if (manifest === undefined) throw new Error('no manifest');
    const [entry] = await readManifest(manifest.bytes, manifest.line, context.tuple);
    expect(entry).toMatchObject({
      status: 'added',
      snapshotId: 77n,
      sequenceNumber: 5n,
      fileSequenceNumber: 5n,
      tuple: ['é', null],
    });
    if (entry === undefined) return;
    expect(entry.file.lower_bounds?.map((pair) => pair.key)).toEqual([1, 8]);
    expect(dataFile(entry, context.tuple, [true, true], columns, FILE.path)).toEqual({
      ...FILE,
      stats: {
        ...FILE.stats,
        1: { ...FILE.stats[1], max: `${'z'.repeat(15)}{` },
        15: { valueCount: 9, nullCount: 0, sizeBytes: 9 },
      },
    });
  });

  test('have the header and the field ids that readers go by', async () => {
    const [manifest] = await written([added(FILE)]);
    const { header, schema: avro } = await readAvroFile(manifest?.bytes ?? Buffer.alloc(0), 'm');
    expect(
      Object.fromEntries(
        [...header].filter(([key]) => !key.startsWith('avro.')).map(([key, value]) => [key, value.toString()]),
      ),
    ).toEqual({
      schema: JSON.stringify(schema),
      'schema-id': '0',
      'partition-spec': JSON.stringify(spec.fields),
      'partition-spec-id': '0',
      'format-version': '2',
      content: 'data',
    });
    const ids = [...JSON.stringify(avro).matchAll(/"(?:field|element)-id":(\d+)/g)].map((match) => Number(match[1]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining([
        0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 108, 109, 110, 125, 128, 132, 133, 134, 137, 140, 1000, 1001,
      ]),
    );
  });

  test('removed files keep their own sequence numbers', async () => {
    const old: ManifestEntry = { ...added(FILE), sequenceNumber: 2n, fileSequenceNumber: 1n, snapshotId: 3n };
    const [manifest] = await written([deletedEntry(old, 77n)]);
    if (manifest === undefined) throw new Error('no manifest');
    expect(manifest.line).toMatchObject({
      deleted_files_count: 1,
      added_files_count: 0,
      deleted_rows_count: 3n,
      min_sequence_number: 5n,
    });
    const [entry] = await readManifest(manifest.bytes, manifest.line, context.tuple);
    expect(entry).toMatchObject({ status: 'deleted', snapshotId: 77n, sequenceNumber: 2n, fileSequenceNumber: 1n });
  });

  test('fault 21: are split by size, and every file is in exactly one', async () => {
    const entries = Array.from({ length: 50 }, (_, n) =>
      added({ ...FILE, path: `f${n}`, partition: [`r${n}`, '1.00'] }),
    );
    const manifests = await written(entries, 1000);
    expect(manifests.length).toBeGreaterThan(5);
    const read = (
      await Promise.all(manifests.map(({ bytes, line }) => readManifest(bytes, line, context.tuple)))
    ).flat();
    expect(read.map((entry) => entry.file.file_path)).toEqual(entries.map((entry) => entry.file.file_path));
    expect(new Set(manifests.map(({ line }) => line.manifest_path)).size).toBe(manifests.length);
    expect(manifests.reduce((sum, { line }) => sum + line.added_files_count, 0)).toBe(50);
    expect(await written([])).toEqual([]);
  });
});
