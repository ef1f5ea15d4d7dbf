import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../../src/model/errors.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../../src/table/parquet/manifest.ts';
import { openParquetTable } from '../../../src/table/parquet/table.ts';
import { staged } from './small.ts';

function sample(): Manifest {
  const storage = memoryStorage('m');
  const { schema, partition, sort, files, ledger, commitId, timestampMs } = staged(
    openParquetTable(storage, 'memory://m/t'),
    'c1',
  );
  const [file] = files;
  if (file === undefined) throw new Error('no file');
  const values = [
    [9007199254740993n, null],
    ['', true],
    ['{"long":"1"}', -5],
  ].map((value) => ({ ...file, partition: value }));
  return {
    generation: 'g-c1',
    commitId,
    committedMs: timestampMs,
    schema,
    partition,
    sort,
    ledger,
    rows: 7,
    files: values,
    previous: [{ generation: 'g-c0', commitId: 'c0', committedMs: 1 }],
  };
}

function refusal(bytes: Uint8Array): TailraceError {
  try {
    decodeManifest(bytes, 'memory://m/t/_tailrace.json');
  } catch (error) {
    if (error instanceof TailraceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('manifest', () => {
  test('comes back as it was, with 64-bit values, and is JSON', () => {
    const bytes = encodeManifest(sample());
    expect(decodeManifest(bytes, 'x')).toEqual(sample());
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      tailraceParquet: 1,
      table: { generation: 'g-c1' },
    });
  });

  test('fault 27: a flipped bit at any byte, and a cut at any byte, is noticed', () => {
    const bytes = encodeManifest(sample());
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      expect(refusal(flipped).code).toBe('TARGET_BAD');
      expect(refusal(bytes.slice(0, at)).code).toBe('TARGET_BAD');
    }
    expect(refusal(Buffer.concat([bytes, Buffer.from('\n')])).hint).toContain('Restore');
  });

  test('fault 31: another version is refused by name', () => {
    const newer = Buffer.from(
      Buffer.from(encodeManifest(sample())).toString().replace('"tailraceParquet":1', '"tailraceParquet":12'),
    );
    expect(refusal(newer)).toMatchObject({ code: 'TARGET_BAD', found: 'version 12' });
  });
});
