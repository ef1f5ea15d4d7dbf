import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type DynamoServer, startDynalite } from '../servers/dynamodb-local.ts';
import { itemsOf, makeTable } from './dynamo.ts';
import { startFront } from './front.ts';
import { loadInto, useFolder } from './run.ts';

const folder = useFolder();
let server: DynamoServer;
beforeAll(async () => {
  server = await startDynalite();
});
afterAll(() => server?.stop());

let files = 0;
async function file(name: string, content: string | Buffer): Promise<string> {
  files += 1;
  const path = join(folder.path(), `${files}-${name}`);
  await writeFile(path, content);
  return path;
}

describe('CSV', () => {
  test('fault 87: names of columns in another encoding are told, with what to do', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const path = await file('latin.csv', Buffer.from('id,Gr\u00f6\u00dfe\na,1\n', 'latin1'));
    const report = await loadInto(server.endpoint, path, table);
    expect(report.error).toMatchObject({
      code: 'INPUT_BAD',
      place: `${path}, line 1`,
      hint: expect.stringContaining('iconv'),
    });
  });

  test('columns that are keys of indexes have their types', async () => {
    const table = await makeTable(server.endpoint, 'id:S', ['zip:S', 'rank:N']);
    const path = await file('keys.csv', 'id,zip,rank,n\n1,12345,7,1\n2,777,8,2\n');
    const report = await loadInto(server.endpoint, path, table);
    expect(report).toMatchObject({ outcome: 'loaded', counts: { written: 2 } });
    expect(await itemsOf(server.endpoint, table)).toEqual([
      '{"id":{"S":"1"},"n":{"N":"1"},"rank":{"N":"7"},"zip":{"S":"12345"}}',
      '{"id":{"S":"2"},"n":{"N":"2"},"rank":{"N":"8"},"zip":{"S":"777"}}',
    ]);
  });

  test('has no --items', async () => {
    const table = await makeTable(server.endpoint, 'id:S');
    const report = await loadInto(server.endpoint, await file('i.csv', 'id\na\n'), table, { items: 'data' });
    expect(report.error).toMatchObject({ code: 'USAGE', place: '--items' });
  });
});

test('--items leads into each document of JSON lines, also where --format says that they are', async () => {
  const table = await makeTable(server.endpoint, 'id:S');
  const path = await file('lines.jsonl', '{"data":[{"id":"a"},{"id":"b"}]}\n{"data":[{"id":"c"}]}\n');
  for (const format of ['auto', 'jsonl'] as const) {
    const report = await loadInto(server.endpoint, path, table, { items: 'data', format });
    expect(report.counts, format).toMatchObject({ read: 3, written: 3, rejected: 0 });
  }
});

test('a plan says why an item would be rejected', async () => {
  const table = await makeTable(server.endpoint, 'id:S');
  const path = await file('bad.jsonl', '{"id":"a"}\n{"id":7}\n{"no":1}\n');
  const plan = await loadInto(server.endpoint, path, table, { dryRun: true });
  expect(plan.warnings).toEqual([
    {
      code: 'items-rejected',
      text: `2 items cannot be loaded; the first of them: ${path}, 2: key attribute id is of type N, and the table's key is a string.`,
    },
  ]);
  expect(plan.rejects).toBeUndefined();
});

describe('an interrupted load', () => {
  const LINES = Array.from({ length: 1_000 }, (_, n) => `{"id":"i${String(n).padStart(4, '0')}","x":1}`);

  /** Everything goes well until so many batches came. */
  async function breaking(after: number): Promise<{ endpoint: string; heal: () => void }> {
    let sick = true;
    const front = await startFront(server.endpoint, (batch) =>
      sick && batch >= after ? { kind: 'refuse', code: 'AccessDeniedException' } : undefined,
    );
    onTestFinished(front.close);
    const heal = (): void => {
      sick = false;
    };
    return { endpoint: front.endpoint, heal };
  }

  test('fault 68: whose table it made itself goes on, like any other', async () => {
    const path = await file('made.jsonl', LINES.join('\n'));
    const options = { createTable: true, key: ['id'] };
    const { endpoint, heal } = await breaking(20);
    const first = await loadInto(endpoint, path, 'made-and-broken', options);
    expect(first).toMatchObject({ outcome: 'failed', table: { created: true } });
    heal();
    const second = await loadInto(endpoint, path, 'made-and-broken', options);
    expect(second).toMatchObject({ outcome: 'loaded', table: { created: false }, warnings: [] });
    expect(second.counts.resumed).toBeGreaterThan(300);
    expect(second.counts.read + second.counts.resumed).toBe(LINES.length);
  });

  test('with another --exclude begins anew: no item keeps what was excluded', async () => {
    const path = await file('exclude.jsonl', LINES.join('\n'));
    const table = await makeTable(server.endpoint, 'id:S');
    const { endpoint, heal } = await breaking(20);
    expect((await loadInto(endpoint, path, table)).outcome).toBe('failed');
    heal();
    const { defaultOptions } = await import('../../src/index.ts');
    const { schema } = defaultOptions();
    const report = await loadInto(endpoint, path, table, { schema: { ...schema, exclude: ['x'] } });
    expect(report).toMatchObject({ outcome: 'loaded', counts: { resumed: 0, written: LINES.length } });
    expect(report.warnings.map(({ code }) => code)).toEqual(['load-begins-anew']);
    expect((await itemsOf(server.endpoint, table)).join('')).not.toContain('"x"');
  });
});

test('the same rejects file is named and kept for both runs of a load', async () => {
  const table = await makeTable(server.endpoint, 'id:S');
  const path = await file('both.jsonl', '{"id":"a"}\n{"id":7}\n');
  const [first, second] = [await loadInto(server.endpoint, path, table), await loadInto(server.endpoint, path, table)];
  expect(second.rejects).toBe(first.rejects);
  expect((await readFile(first.rejects ?? '', 'utf8')).trim().split('\n')).toHaveLength(1);
});
