// Run by local-disk.test.ts in a process of its own: puts objects into a folder and prints how each call ended.
import { Readable } from 'node:stream';
import { TailraceError } from '../../src/model/errors.ts';
import { localStorage } from '../../src/storage/local/local.ts';

const [folder = '', size = '0'] = process.argv.slice(2);
const storage = localStorage(folder);
const body = new Uint8Array(Number(size));
const told = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'written',
    (error: unknown) => (error instanceof TailraceError ? `${error.code} ${error.hint}` : `raw ${String(error)}`),
  );

const results = [
  await told(storage.put('old', body)),
  await told(storage.putIf('new', body, { ifAbsent: true })),
  await told(storage.putStream('stream', Readable.from([body.subarray(0, body.length / 2), body]))),
];
const keys: string[] = [];
for await (const { key, sizeBytes } of storage.list('')) keys.push(`${key} ${sizeBytes}`);
const { readdirSync } = await import('node:fs');
console.log(JSON.stringify({ results, keys, files: readdirSync(folder).sort() }));
