import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'put-local.ts');
const put = [process.execPath, '--import', 'tsx', script];
const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;
const canTrace = spawnSync('strace', ['-V']).status === 0;
let scratch: string;
let folder: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tailrace-disk-'));
  folder = join(scratch, 'data');
  await mkdir(folder);
  await writeFile(join(folder, 'old'), 'as it was');
});
afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

interface Told {
  readonly results: readonly string[];
  readonly keys: readonly string[];
  readonly files: readonly string[];
}

// In a mount namespace of its own, so that the small disk is gone with the process.
test.skipIf(!canMount)(
  'fault 25: on a full disk each call says DISK_FULL, and the objects are as they were',
  async () => {
    const mount = 'mount -t tmpfs -o size=1m none "$0" && printf "as it was" > "$0/old" && exec "$@"';
    const { stdout } = await run('unshare', ['-m', 'sh', '-c', mount, folder, ...put, folder, String(4 * 1024 * 1024)]);
    const told = JSON.parse(stdout) as Told;
    for (const result of told.results) expect(result).toMatch(/^DISK_FULL Free some space/);
    expect(told.keys).toEqual(['old 9']);
    expect(told.files).toEqual(['old']);
  },
);

test.skipIf(!canTrace)(
  'fault 26: when fsync fails nothing takes the new name, and fsync is not tried again',
  async () => {
    const trace = ['-f', '-q', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO', '-o', join(scratch, 'trace')];
    const { stdout } = await run('strace', [...trace, ...put, folder, '1000']);
    const told = JSON.parse(stdout) as Told;
    for (const result of told.results) expect(result).toMatch(/^UNREACHABLE Check the disk/);
    expect(told.keys).toEqual(['old 9']);
    expect(told.files).toEqual(['old']);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('as it was');
    expect((await readFile(join(scratch, 'trace'), 'utf8')).match(/fsync\(/g)).toHaveLength(3);
  },
);
