import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { defaultOptions, type LoadOptions, type LoadReport, load } from '../../src/index.ts';

/** A folder for a file of tests, with the user's state in it; gone at their end. */
export function useFolder(): { readonly path: () => string } {
  let folder = '';
  const before = process.env['XDG_STATE_HOME'];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tailrace-load-'));
    process.env['XDG_STATE_HOME'] = join(folder, 'state');
    process.env['AWS_ACCESS_KEY_ID'] ??= 'local';
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'local';
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
    await rm(folder, { recursive: true, force: true });
  });
  return { path: () => folder };
}

/** A load as the library does it, as fast as it goes. */
export async function loadInto(
  endpoint: string,
  input: string,
  table: string,
  options: Partial<LoadOptions> & { readonly key?: readonly string[] } = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<LoadReport> {
  const { key = [], ...rest } = options;
  const base = defaultOptions();
  const all: LoadOptions = {
    ...base,
    wcu: { kind: 'unlimited' },
    targetAws: { endpoint, region: 'us-east-1' },
    schema: { ...base.schema, key },
    ...rest,
  };
  return load(input, `dynamodb:${table}`, all, { signal, onProgress: () => undefined, log: () => undefined });
}
