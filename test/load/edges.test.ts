import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { json, startApi } from './api.ts';
import { itemsOf, makeTable } from './dynamo.ts';
import { type Front, startFront } from './front.ts';
import { loadInto, useFolder } from './run.ts';

const folder = useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

const LINES = Array.from({ length: 1_000 }, (_, n) => `{"id":"i${n}"}`).join('\n');

/** Everything goes well for so many batches; `heal` ends that. */
async function breaking(after: number): Promise<Front & { readonly heal: () => void }> {
  let sick = true;
  const front = await startFront(server.endpoint, (batch) =>
    sick && batch >= after ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined,
  );
  onTestFinished(front.close);
  const heal = (): void => {
    sick = false;
  };
  return { ...front, heal };
}

describe('where a load goes on', () => {
  test('--restart begins anew without a word, where there is a record', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const path = join(folder.path(), 'restart.jsonl');
    await writeFile(path, LINES);
    const { endpoint, heal } = await breaking(20);
    expect((await loadInto(endpoint, path, table)).outcome).toBe('failed');
    heal();
    const report = await loadInto(endpoint, path, table, { restart: true });
    expect(report).toMatchObject({ outcome: 'loaded', counts: { read: 1_000, resumed: 0 }, warnings: [] });
  });

  test('a pipe with a name has no record: what comes next by it is something else', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const pipe = join(folder.path(), 'pipe.jsonl');
    execFileSync('mkfifo', [pipe]);
    const feed = async (text: string): Promise<void> => {
      const file = await open(pipe, 'w');
      await file.writeFile(text).catch(() => undefined);
      await file.close();
    };
    const { endpoint, heal } = await breaking(20);
    const first = feed(LINES);
    expect((await loadInto(endpoint, pipe, table)).outcome).toBe('failed');
    await first;
    heal();
    const second = feed(LINES.replaceAll(':"i', ':"j'));
    const report = await loadInto(endpoint, pipe, table);
    await second;
    expect(report).toMatchObject({ outcome: 'loaded', counts: { read: 1_000, resumed: 0 }, warnings: [] });
  });
});

test('a byte order mark before JSON lines is no part of the first item', async () => {
  const table = await makeTable(server.endpoint, 'id:S');
  const path = join(folder.path(), 'mark.jsonl');
  await writeFile(path, '\ufeff{"id":"a"}\r\n\r\n{"id":"b"}');
  expect((await loadInto(server.endpoint, path, table)).counts).toMatchObject({ written: 2, rejected: 0 });
});

test('a sort key of 1024 bytes is taken, a longer one rejected before it is sent', async () => {
  const table = await makeTable(server.endpoint, 'id:S,sk:S');
  const path = join(folder.path(), 'keys.jsonl');
  await writeFile(
    path,
    [1_024, 1_025].map((size) => `{"id":"a","sk":"${'é'.repeat(size / 2)}${size % 2 ? 'x' : ''}"}`).join('\n'),
  );
  const front = await breaking(100);
  const report = await loadInto(front.endpoint, path, table);
  expect(report.counts).toMatchObject({ written: 1, rejected: 1 });
  expect(front.batches.map((puts) => puts.length)).toEqual([1]);
});

test('two loads at once may both make the table', async () => {
  const options = { createTable: true, key: ['id'] };
  const paths = ['one', 'two'].map((name) => join(folder.path(), `${name}.jsonl`));
  for (const [n, path] of paths.entries()) await writeFile(path, `{"id":"${n}"}`);
  const reports = await Promise.all(paths.map((path) => loadInto(server.endpoint, path, 'made-by-two', options)));
  expect(reports.map(({ outcome }) => outcome)).toEqual(['loaded', 'loaded']);
  expect(await itemsOf(server.endpoint, 'made-by-two')).toHaveLength(2);
});

test.each(['false', 'null', '""', undefined])('%s in place of the next page ends the pages', async (next) => {
  const source = await startApi((_, reply) =>
    json(reply, { data: [{ id: 'a' }], ...(next === undefined ? {} : { next: JSON.parse(next) as unknown }) }),
  );
  onTestFinished(source.close);
  const table = await makeTable(server.endpoint, 'id:S');
  const report = await loadInto(server.endpoint, source.origin, table, { items: 'data', http: { nextPath: 'next' } });
  expect(report).toMatchObject({ outcome: 'loaded', pages: 1 });
});
