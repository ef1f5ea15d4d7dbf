import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { PYTHON, runCommand } from '../../bench/measure.ts';

const python = ((): boolean => {
  try {
    execFileSync(PYTHON, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!python)('what one run costs', () => {
  test('peak memory and CPU time count a child that nobody waits for', async () => {
    const busy = 'const b = Buffer.alloc(300e6, 1); while (process.cpuUsage().user < 500e3) b[0]++;';
    const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(busy)}], { detached: true, stdio: 'ignore' }).unref()`;
    const result = await runCommand([process.execPath, '-e', parent]);
    expect(result.peakBytes).toBeGreaterThan(300e6);
    expect(result.peakBytes).toBeLessThan(600e6);
    expect(result.userSeconds).toBeGreaterThan(0.4);
    expect(result.seconds).toBeLessThan(result.userSeconds + 5);
  });

  test('a command that fails is an error with its stderr', async () => {
    await expect(runCommand([process.execPath, '-e', 'console.error("the reason"); process.exit(3)'])).rejects.toThrow(
      /ended with 3\n.*the reason/s,
    );
  });
});
