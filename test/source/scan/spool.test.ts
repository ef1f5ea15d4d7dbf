import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BufferPool } from '../../../src/source/scan/buffers.ts';
import { type Page, readPage } from '../../../src/source/scan/page.ts';
import { type Piece, Spool } from '../../../src/source/scan/spool.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tailrace-spool-'));
});
afterEach(() => rm(dir, { recursive: true }));

const items = (name: string, count: number, bytes: number): string[] =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ pk: { S: `${name}-${i}` }, text: { S: 'x'.repeat(bytes) } }),
  );
const page = (texts: readonly string[]): Page =>
  readPage(Buffer.from(`{"Count":${texts.length},"Items":[${texts.join(',')}],"ScannedCount":${texts.length}}`));

async function linesOf(piece: Piece): Promise<string> {
  await piece.whole();
  return (await Promise.all(piece.files.map(({ path }) => readFile(path, 'utf8')))).join('');
}

test('files of released pieces are written over, whatever their lengths, and hold nothing of what they held', async () => {
  const spool = new Spool({ dir, fileBytes: 3_000, pendingBytes: 1e6, budgetBytes: 1e6, pool: new BufferPool(4) });
  let most = 0;
  for (let round = 0; round < 6; round += 1) {
    const texts = Array.from({ length: 2 + (round % 3) }, (_, i) => items(`${round}.${i}`, 10, 400 - 60 * round));
    for (const each of texts) spool.add(page(each), 1);
    const piece = spool.cut();
    expect(await linesOf(piece)).toBe(
      texts
        .flat()
        .map((text) => `{"Item":${text}}\n`)
        .join(''),
    );
    most = Math.max(most, piece.files.length);
    expect((await readdir(dir)).length).toBe(most);
    spool.release(piece);
  }
  await spool.end();
});

test('pieces that are held share no file', async () => {
  const spool = new Spool({ dir, fileBytes: 3_000, pendingBytes: 1e6, budgetBytes: 1e6, pool: new BufferPool(4) });
  const add = (name: string): Piece => {
    spool.add(page(items(name, 20, 300)), 1);
    return spool.cut();
  };
  const [first, second] = [add('a'), add('b')];
  const [textOfFirst, textOfSecond] = [await linesOf(first), await linesOf(second)];
  spool.release(first);
  const third = add('c');
  expect(await linesOf(third)).not.toBe(textOfFirst);
  expect(await linesOf(second)).toBe(textOfSecond);
  expect(third.files[0]?.path).toBe(first.files[0]?.path);
  await spool.end();
});

test('pages go to the disk as they come, not once a file is full', async () => {
  const spool = new Spool({ dir, fileBytes: 1e9, pendingBytes: 1, budgetBytes: 1e9, pool: new BufferPool(4) });
  const { signal } = new AbortController();
  spool.add(page(items('a', 10, 300)), 1);
  // There is room for the next page only where the first one is written.
  await spool.room(signal);
  const [name = ''] = await readdir(dir);
  expect((await stat(join(dir, name))).size).toBe(spool.piece.bytes);
  expect(spool.piece.files).toEqual([]);
  await spool.end();
});

test('a page waits while pieces that are held fill the budget, and comes once one is released', async () => {
  const spool = new Spool({ dir, fileBytes: 1_000, pendingBytes: 1e6, budgetBytes: 8_000, pool: new BufferPool(4) });
  const { signal } = new AbortController();
  const isRoom = async (): Promise<boolean> =>
    Promise.race([spool.room(signal).then(() => true), sleep(50).then(() => false)]);
  spool.add(page(items('a', 10, 500)), 1);
  const first = spool.cut();
  expect(await isRoom()).toBe(true);
  spool.add(page(items('b', 10, 500)), 1);
  expect(await isRoom()).toBe(false);
  const waiting = spool.room(signal);
  await first.whole();
  spool.release(first);
  await waiting;
  // A piece that alone is larger than the budget does not wait for itself.
  spool.add(page(items('c', 20, 500)), 1);
  expect(await isRoom()).toBe(true);
  await spool.end();
});

test('a page waits while too much waits to be written', async () => {
  const spool = new Spool({ dir, fileBytes: 5_000, pendingBytes: 5_000, budgetBytes: 1e6, pool: new BufferPool(4) });
  const abort = new AbortController();
  spool.add(page(items('a', 10, 600)), 1);
  let came = false;
  const waiting = spool.room(abort.signal).then(() => {
    came = true;
  });
  await Promise.resolve();
  expect(came).toBe(false);
  await waiting;
  await spool.end();
});
