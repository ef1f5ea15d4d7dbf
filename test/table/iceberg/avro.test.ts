import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { avroFile, avroType, readAvroFile } from '../../../src/table/iceberg/avro.ts';
import { readManifestList, writeManifestList } from '../../../src/table/iceberg/manifest-list.ts';

const SCHEMA = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'id', 'field-id': 7, type: 'long' },
    {
      name: 'at',
      'field-id': 8,
      default: null,
      type: ['null', { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }],
    },
  ],
};

async function file(count: number): Promise<Buffer> {
  const type = await avroType(SCHEMA);
  const records = Array.from({ length: count }, (_, n) =>
    type.toBuffer({ id: 9_007_199_254_740_993n + BigInt(n), at: n % 2 === 0 ? null : BigInt(n) }),
  );
  return avroFile(SCHEMA, { content: 'data' }, records);
}

describe('Avro files', () => {
  test('keep field ids, logical types and 64 bits, over many blocks', async () => {
    const read = await readAvroFile(await file(60_000), 'f');
    expect(read.schema).toEqual(SCHEMA);
    expect(read.header.get('content')?.toString()).toBe('data');
    expect(read.records).toHaveLength(60_000);
    expect(read.records.slice(0, 2)).toEqual([
      { id: 9_007_199_254_740_993n, at: null },
      { id: 9_007_199_254_740_994n, at: 1n },
    ]);
    expect((await readAvroFile(await file(0), 'f')).records).toEqual([]);
  });

  test('are the same bytes for the same records', async () => {
    const hash = async (): Promise<string> =>
      createHash('sha256')
        .update(await file(10))
        .digest('hex');
    expect(await hash()).toBe(await hash());
  });

  test('are read uncompressed, too, and with a negative block count in the header', async () => {
    const type = await avroType(SCHEMA);
    const body = type.toBuffer({ id: -1n, at: 5n });
    const entry = (text: string): Buffer =>
      Buffer.concat([
        Buffer.from([
          ((text.length * 2) % 128) | (text.length > 63 ? 128 : 0),
          ...(text.length > 63 ? [Math.floor(text.length / 64)] : []),
        ]),
        Buffer.from(text),
      ]);
    const map = Buffer.concat([entry('avro.schema'), entry(JSON.stringify(SCHEMA))]);
    const size = map.length * 2;
    const sync = Buffer.alloc(16, 3);
    const bytes = Buffer.concat([
      Buffer.from('Obj\x01'),
      Buffer.from([1, (size % 128) | 128, Math.floor(size / 128)]),
      map,
      Buffer.from([0]),
      sync,
      Buffer.from([2, body.length * 2]),
      body,
      sync,
    ]);
    expect((await readAvroFile(bytes, 'f')).records).toEqual([{ id: -1n, at: 5n }]);
  });

  test('cut at any byte, or with a wrong sync marker, are refused by name', async () => {
    const whole = await file(3);
    for (let length = 0; length < whole.length; length += 7) {
      // Cut exactly after the header it is a valid, empty file; nothing else is.
      const read = readAvroFile(whole.subarray(0, length), 's3://b/m.avro');
      await expect(read).rejects.toMatchObject({ code: 'TARGET_BAD', place: 's3://b/m.avro' });
    }
    const flipped = Buffer.from(whole);
    flipped[whole.length - 1] = (flipped[whole.length - 1] ?? 0) ^ 1;
    await expect(readAvroFile(flipped, 'f')).rejects.toMatchObject({ code: 'TARGET_BAD' });
  });

  test('with another codec are refused with a remedy', async () => {
    const bytes = Buffer.from(
      (await file(1)).toString('latin1').replace('deflate', 'snappy\x00').replace('\x0edeflate', '\x0esnappy\x00'),
      'latin1',
    );
    await expect(readAvroFile(bytes, 'f')).rejects.toMatchObject({
      code: 'TARGET_BAD',
      found: expect.stringContaining('snappy'),
    });
  });
});

test('a manifest list without manifests is a valid file', async () => {
  const bytes = await writeManifestList([], 2n ** 63n - 1n, undefined, 1n);
  expect(await readManifestList(bytes, 'l')).toEqual([]);
  const { header } = await readAvroFile(bytes, 'l');
  expect(header.get('snapshot-id')?.toString()).toBe('9223372036854775807');
});
