import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchBatches } from '../../../src/source/export/batches.ts';
import { findFullExport } from '../../../src/source/export/discover.ts';
import { LIST_FROM_FILES } from '../../../src/source/export/locate.ts';
import { openFullExport } from '../../../src/source/export/open.ts';
import { readLines } from '../../../src/source/lines/open.ts';
import type { Storage } from '../../../src/storage/port.ts';
import { s3Storage } from '../../../src/storage/s3/s3.ts';
import { canonicalItem, canonicalLine } from '../../data/canonical.ts';
import { writeExport } from '../../data/make-export.ts';
import { nastyItems } from '../../data/nasty.ts';
import { serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../../servers/versitygw.ts';
import { newFolder } from './uploaded.ts';

const items = nastyItems(31, 400, { noHuge: true });

serverOrSkip('a full export on S3', [VERSITYGW], () => {
  let server: S3Server;
  let storage: Storage;
  let restore: () => void = () => undefined;
  beforeAll(async () => {
    server = await startVersitygw();
    await makeBucket(server, 'exports');
    restore = useCredentials(server);
    storage = s3Storage({ bucket: 'exports', aws: { endpoint: server.endpoint } });
  });
  afterAll(async () => {
    await storage.close();
    restore();
    await server.stop();
  });

  async function upload(dir: string, under: string): Promise<void> {
    for (const name of await readdir(dir, { recursive: true })) {
      if ((await stat(join(dir, name))).isFile()) await storage.put(`${under}${name}`, await readFile(join(dir, name)));
    }
  }

  async function itemsOf(prefix: string): Promise<string[]> {
    const source = await openFullExport(storage, await findFullExport(storage, prefix));
    const tempDir = await newFolder();
    const found: string[] = [];
    for await (const batch of fetchBatches(storage, source, { batchBytes: 10_000, budgetBytes: 100_000, tempDir })) {
      for (const file of batch.files) {
        for await (const line of readLines(file.path, file.path)) found.push(canonicalLine(line.bytes.toString()));
      }
      await batch.release();
    }
    expect(await readdir(tempDir)).toEqual([]);
    return found;
  }

  test('is found, opened and fetched where it was written, and as a copy below another prefix', async () => {
    const at = await writeExport(await newFolder(), { items, filesCount: 7, emptyFirst: true, bucket: 'exports' });
    await upload(at.dir, '');
    expect(await itemsOf('dynamodb-export/')).toEqual(items.map(canonicalItem));
    const copy = await writeExport(await newFolder(), { items, filesCount: 7, bucket: 'elsewhere', tableName: 'Copy' });
    await upload(copy.exportDir, 'a/copy/');
    expect(await itemsOf('a')).toEqual(items.map(canonicalItem));
  });

  test('of many files, all are found by one listing', async () => {
    const at = await writeExport(await newFolder(), {
      items: items.slice(0, LIST_FROM_FILES + 10),
      filesCount: LIST_FROM_FILES + 10,
      bucket: 'exports',
      prefix: 'many',
    });
    await upload(at.dir, '');
    const source = await openFullExport(storage, await findFullExport(storage, 'many'));
    expect(source.files).toHaveLength(LIST_FROM_FILES + 10);
    expect(source.files.map(({ key }) => key)).toEqual(source.files.map(({ manifestKey }) => manifestKey));
  });

  test('fault 39: what is missing is named', async () => {
    const at = await writeExport(await newFolder(), { items, filesCount: 3, bucket: 'exports', prefix: 'holes' });
    await upload(at.dir, '');
    const gone = (at.dataPaths[1] ?? '').slice(at.dir.length + 1);
    await storage.delete(gone);
    await expect(openFullExport(storage, await findFullExport(storage, 'holes'))).rejects.toMatchObject({
      code: 'DATA_MISSING',
      expected: gone,
    });
  });
});
