import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Batch, type BatchOptions, fetchBatches, planBatches } from '../../../src/source/export/batches.ts';
import { openFullExport } from '../../../src/source/export/open.ts';
import type { FullExport } from '../../../src/source/port.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { writeExport } from '../../data/make-export.ts';
import { mulberry32 } from '../../data/nasty.ts';
import { newFolder, tampered, type Uploaded, uploaded } from './uploaded.ts';

const random = mulberry32(1);
const noise = (bytes: number): string =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256))).toString('base64');
/** 12 files of about 2 KB, an empty one first. */
const lines = Array.from({ length: 12 }, (_, index) => [`{"Item":{"pk":{"N":"${index}"},"b":{"B":"${noise(1500)}"}}}`]);

async function setup(): Promise<Uploaded & { readonly tempDir: string }> {
  return { ...(await uploaded({ files: lines, emptyFirst: true })), tempDir: await newFolder() };
}

async function usedBytes(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir))
    bytes += await readFile(`${dir}/${name}`).then(
      (file) => file.length,
      () => 0,
    );
  return bytes;
}

async function keysOf(batch: Batch): Promise<number[]> {
  const keys: number[] = [];
  for (const file of batch.files) {
    const text = gunzipSync(await readFile(file.path)).toString();
    for (const key of text.matchAll(/"N":"(\d+)"/g)) keys.push(Number(key[1]));
  }
  return keys;
}

describe('planBatches', () => {
  test('covers all files in manifest order, each batch within the limit or one file', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 100 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 150 }),
        (sizes, limit) => {
          const source = { files: sizes.map((sizeBytes, index) => ({ index, sizeBytes })) } as unknown as FullExport;
          const plans = planBatches(source, limit);
          expect(plans.flatMap(({ files }) => files.map(({ index }) => index))).toEqual(sizes.map((_, index) => index));
          expect(plans.map(({ index }) => index)).toEqual(plans.map((_, index) => index));
          for (const { files } of plans) {
            expect(files.length === 1 || files.reduce((sum, file) => sum + file.sizeBytes, 0) <= limit).toBe(true);
          }
          expect(planBatches(source, limit)).toEqual(plans);
        },
      ),
    );
  });
});

describe('fetchBatches', () => {
  test('gives each batch once, in order, whole; the temporary folder stays within its budget and ends empty', async () => {
    const { storage, source, tempDir } = await setup();
    const options: BatchOptions = { batchBytes: 4_000, budgetBytes: 9_000, tempDir };
    const keys: number[] = [];
    let bytes = 0;
    let most = 0;
    for await (const batch of fetchBatches(storage, source, {
      ...options,
      onBytes: (more) => {
        bytes += more;
      },
    })) {
      await sleep(5);
      most = Math.max(most, await usedBytes(tempDir));
      keys.push(...(await keysOf(batch)));
      await batch.recheck();
      await batch.release();
      await batch.release();
    }
    expect(keys).toEqual(lines.map((_, index) => index));
    expect(bytes).toBe(source.files.reduce((sum, file) => sum + file.sizeBytes, 0));
    expect(most).toBeLessThanOrEqual(9_000);
    expect(most).toBeGreaterThan(4_000);
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('works ahead while the consumer works, at most four files at a time and two batches ahead', async () => {
    const { storage, source, tempDir } = await setup();
    let running = 0;
    let most = 0;
    const asked: string[] = [];
    const counting = tampered(storage, (body, key) => {
      asked.push(key);
      running += 1;
      most = Math.max(most, running);
      body.once('close', () => {
        running -= 1;
      });
      return body;
    });
    const batches = fetchBatches(counting, source, { batchBytes: 4_000, budgetBytes: 1e9, tempDir });
    await batches.next();
    await sleep(100);
    const plans = planBatches(source, 4_000);
    expect(asked).toHaveLength(plans.slice(0, 3).flatMap(({ files }) => files).length);
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
    await batches.return(undefined);
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('batches that an earlier run has loaded are not fetched', async () => {
    const { storage, source, tempDir } = await setup();
    const asked: string[] = [];
    const watched = tampered(storage, (body, key) => {
      asked.push(key);
      return body;
    });
    const seen: number[] = [];
    for await (const batch of fetchBatches(watched, source, {
      batchBytes: 4_000,
      budgetBytes: 1e9,
      tempDir,
      skip: (index) => index < 4,
    })) {
      seen.push(batch.index);
      await batch.release();
    }
    const plans = planBatches(source, 4_000);
    expect(seen).toEqual(plans.slice(4).map(({ index }) => index));
    expect(asked.sort()).toEqual(
      plans
        .slice(4)
        .flatMap(({ files }) => files.map(({ key }) => key))
        .sort(),
    );
  });

  test('a file larger than the budget is refused before anything is fetched', async () => {
    const { storage, source, tempDir } = await setup();
    await expect(
      fetchBatches(storage, source, { batchBytes: 1, budgetBytes: 1_000, tempDir }).next(),
    ).rejects.toMatchObject({
      code: 'TEMP_BUDGET',
      place: source.files[1]?.manifestKey,
      hint: expect.stringContaining('--temp-budget'),
    });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('a batch that exactly fits comes even while nothing was released', async () => {
    const { storage, source, tempDir } = await setup();
    const batches = fetchBatches(storage, source, { batchBytes: 4_000, budgetBytes: 4_000, tempDir });
    const held: Batch[] = [];
    for (let count = 0; count < 3; count += 1) {
      const next = await batches.next();
      if (!next.done) held.push(next.value);
    }
    expect(held).toHaveLength(3);
    await batches.return(undefined);
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 37: a bad file ends it, and nothing is left', async () => {
    const { storage, source, tempDir } = await setup();
    const bad = source.files[7]?.key;
    const flipping = tampered(storage, (body, key) =>
      key === bad ? body.map((chunk: Buffer) => Buffer.from(chunk).fill(0, 0, 1)) : body,
    );
    const consume = async (): Promise<void> => {
      for await (const batch of fetchBatches(flipping, source, { batchBytes: 4_000, budgetBytes: 1e9, tempDir }))
        await batch.recheck();
    };
    await expect(consume()).rejects.toMatchObject({ code: 'DATA_CHECKSUM', place: source.files[7]?.manifestKey });
    expect(await readdir(tempDir)).toEqual([]);
  });

  test('fault 37: local files come before they are verified, and a bad one is told before anything follows', async () => {
    const at = await writeExport(await newFolder(), { files: lines });
    const storage = localStorage(at.exportDir);
    const source = await openFullExport(storage, '');
    const bad = at.dataPaths[5] ?? '';
    await writeFile(bad, (await readFile(bad)).fill(0, 0, 1));
    const passed: number[] = [];
    const options = { batchBytes: 4_000, budgetBytes: 0, tempDir: await newFolder() };
    const consume = async (check: 'verified' | 'recheck'): Promise<void> => {
      for await (const batch of fetchBatches(storage, source, options)) {
        passed.push(batch.index);
        await batch[check]();
      }
    };
    const at5 = planBatches(source, 4_000).findIndex(({ files }) => files.some(({ index }) => index === 5));
    for (const check of ['verified', 'recheck'] as const) {
      passed.length = 0;
      await expect(consume(check)).rejects.toMatchObject({
        code: 'DATA_CHECKSUM',
        place: source.files[5]?.manifestKey,
      });
      // The next batches are verified ahead, so it may be told earlier, never later.
      expect(passed.at(-1)).toBeLessThanOrEqual(at5);
    }
  });

  test('local files of the next batches are verified while the consumer works', async () => {
    const at = await writeExport(await newFolder(), { files: lines });
    const storage = localStorage(at.exportDir);
    const source = await openFullExport(storage, '');
    let bytes = 0;
    const onBytes = (more: number): void => {
      bytes += more;
    };
    const options = { batchBytes: 4_000, budgetBytes: 0, tempDir: await newFolder(), onBytes };
    const batches = fetchBatches(storage, source, options);
    const { value: first } = await batches.next();
    await sleep(50);
    expect(bytes).toBe(0);
    await (first as Batch).verified();
    await sleep(100);
    const planned = planBatches(source, 4_000).slice(0, 3);
    expect(bytes).toBe(planned.flatMap(({ files }) => files).reduce((sum, file) => sum + file.sizeBytes, 0));
    await batches.return(undefined);
  });

  test('interrupted or left early, it leaves nothing behind', async () => {
    const { storage, source, tempDir } = await setup();
    for (const stopAt of [1, 2, 3]) {
      const abort = new AbortController();
      const consume = async (leave: boolean): Promise<void> => {
        let count = 0;
        for await (const batch of fetchBatches(storage, source, {
          batchBytes: 2_500,
          budgetBytes: 1e9,
          tempDir,
          signal: abort.signal,
        })) {
          count += 1;
          await batch.recheck();
          if (count === stopAt && leave) return;
          if (count === stopAt) abort.abort();
        }
      };
      await consume(true);
      expect(await readdir(tempDir)).toEqual([]);
      await expect(consume(false)).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(await readdir(tempDir)).toEqual([]);
    }
  });

  test('local files and Ion files come in batches, too', async () => {
    const at = await writeExport(await newFolder(), { files: lines });
    const storage = localStorage(at.exportDir);
    const source = await openFullExport(storage, '');
    const tempDir = await newFolder();
    const keys: number[] = [];
    for await (const batch of fetchBatches(storage, source, { batchBytes: 4_000, budgetBytes: 0, tempDir }))
      keys.push(...(await keysOf(batch)));
    expect(keys).toEqual(lines.map((_, index) => index));
    const ion = await uploaded({
      items: lines.flat().map((line) => (JSON.parse(line) as { Item: { pk: { N: string } } }).Item),
      filesCount: 6,
      format: 'ION',
    });
    const read: string[] = [];
    for await (const batch of fetchBatches(ion.storage, ion.source, {
      batchBytes: 10_000,
      budgetBytes: 30_000,
      tempDir,
    })) {
      for (const file of batch.files) read.push(await readFile(file.path, 'utf8'));
      await batch.release();
    }
    expect(read.join('')).toBe(
      lines
        .flat()
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(await readdir(tempDir)).toEqual([]);
  });
});
