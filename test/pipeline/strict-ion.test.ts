import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultOptions, sync } from '../../src/index.ts';
import { writeExport } from '../data/make-export.ts';

const context = { signal: new AbortController().signal, onProgress() {}, log() {} };

test('--strict stops at a bad line of an Ion export, too; without it the line is a reject', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tailrace-strict-ion-'));
  try {
    const lines = ['$ion_1_0 {Item:{pk:"a"}}', '$ion_1_0 {Item:{pk:}}'];
    const { exportDir } = await writeExport(dir, { lines, format: 'ION' });
    const options = { ...defaultOptions(), rejects: join(dir, 'rejects') };
    const strict = await sync(exportDir, join(dir, 'strict'), { ...options, strict: true }, context);
    expect(strict).toMatchObject({ outcome: 'failed', error: { code: 'ITEM_REJECTED' } });
    const lenient = await sync(exportDir, join(dir, 'lenient'), options, context);
    expect(lenient).toMatchObject({ outcome: 'committed', counts: { read: 2, written: 1, rejected: 1 } });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
