import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';

interface ManifestLine {
  readonly itemCount: number;
  readonly md5Checksum: string;
  readonly etag: string;
  readonly dataFileS3Key: string;
}

export interface ReadExport {
  readonly summary: Readonly<Record<string, unknown>>;
  readonly manifest: readonly ManifestLine[];
  readonly lines: readonly string[];
}

const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

/** Reads an export by the facts of the format, apart from src/, and holds every checksum and count on the way. */
export async function readExport(root: string): Promise<ReadExport> {
  const ids = await readdir(join(root, 'AWSDynamoDB'));
  expect(ids).toHaveLength(1);
  const folder = join(root, 'AWSDynamoDB', ids[0] ?? '');
  expect(await readdir(folder)).toEqual(
    expect.arrayContaining([
      '_started',
      'data',
      'manifest-files.json',
      'manifest-files.md5',
      'manifest-summary.json',
      'manifest-summary.md5',
    ]),
  );
  for (const name of ['manifest-files', 'manifest-summary']) {
    const bytes = await readFile(join(folder, `${name}.json`));
    expect(await readFile(join(folder, `${name}.md5`), 'utf8')).toBe(md5(bytes).toString('base64'));
  }
  const summary = JSON.parse(await readFile(join(folder, 'manifest-summary.json'), 'utf8')) as Record<string, unknown>;
  const text = await readFile(join(folder, 'manifest-files.json'), 'utf8');
  const manifest = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestLine);
  const lines: string[] = [];
  for (const file of manifest) {
    const bytes = await readFile(join(folder, 'data', basename(file.dataFileS3Key)));
    const sum = md5(bytes);
    expect(file.md5Checksum).toBe(sum.toString('base64'));
    expect(file.etag).toBe(`${md5(sum).toString('hex')}-1`);
    const found = gunzipSync(bytes).toString('utf8').split('\n').slice(0, -1);
    expect(found).toHaveLength(file.itemCount);
    lines.push(...found);
  }
  const named = manifest.map((file) => basename(file.dataFileS3Key)).sort();
  expect((await readdir(join(folder, 'data'))).sort()).toEqual(named);
  expect(summary.itemCount).toBe(lines.length);
  return { summary, manifest, lines };
}
