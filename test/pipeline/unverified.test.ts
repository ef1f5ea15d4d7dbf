import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { inferSchema, type RunContext, sync } from '../../src/index.ts';
import { exportOf, FORMATS, optionsWith } from './harness.ts';

/** What somebody made of a data file after the export: sound gzip of other lines, or no gzip at all. */
const TAMPERED: Readonly<Record<string, (lines: string) => Buffer>> = {
  'a line that no engine loads': (lines) => gzipSync(`${lines}{"Item":{"pk":{"S":"x"},"n":{"N":"1,5"}}}\n`),
  'a broken line': (lines) => gzipSync(`${lines}{"Item":\n`),
  'an attribute that nobody knew': (lines) => gzipSync(lines.replace('"n"', '"m"')),
  'a number that fits no column': (lines) => gzipSync(lines.replace('"N":"7"', '"N":"7.25"')),
  'a changed value': (lines) => gzipSync(lines.replace('"N":"7"', '"N":"8"')),
  'a line less': (lines) => gzipSync(lines.slice(lines.indexOf('\n') + 1)),
  'the same lines, compressed otherwise': (lines) => gzipSync(lines, { level: 1 }),
  'no gzip': (lines) => Buffer.from(lines),
  'half of it': (lines) => gzipSync(lines).subarray(0, 300),
};

const items = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ pk: { S: `k${first + i}` }, n: { N: String((first + i) % 13) } }));

for (const [what, tamper] of Object.entries(TAMPERED)) {
  test(`fault 37: ${what} in a file that is read in place is told as a checksum, and has no effect`, async () => {
    // 6,000 items: more than the sample sees; the file comes last, when the engine is long at work.
    const { exportDir, dir, dataPaths } = await exportOf([items(0, 3_000), items(3_000, 3_000)]);
    const path = dataPaths[1] ?? '';
    await writeFile(path, tamper(gunzipSync(await readFile(path)).toString()));
    const context: RunContext = { signal: new AbortController().signal, onProgress() {}, log() {} };
    for (const [format, strict] of FORMATS.flatMap((each) => [[each, false] as const, [each, true] as const])) {
      const [target, rejects] = [join(dir, format), join(dir, `rejects-${format}`)];
      const report = await sync(exportDir, `${format}:${target}`, { ...optionsWith({ strict }), rejects }, context);
      expect(report).toMatchObject({
        outcome: 'failed',
        error: { code: 'DATA_CHECKSUM', message: expect.stringContaining('the manifest describes') },
      });
      expect(report.error?.place).toContain(path.slice(path.lastIndexOf('/')));
      await expect(readdir(rejects)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(
        (await readdir(target, { recursive: true }).catch(() => [])).filter((name) =>
          /parquet|metadata\.json/.test(name),
        ),
      ).toEqual([]);
    }
    await expect(inferSchema(exportDir, optionsWith(), context)).rejects.toMatchObject({ code: 'DATA_CHECKSUM' });
  });
}
