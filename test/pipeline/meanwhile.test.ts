import { describe, expect, test } from 'vitest';
import { TailraceError } from '../../src/model/errors.ts';
import type { SyncReport } from '../../src/model/report.ts';
import type { WrapStorage } from '../../src/pipeline/ends/open.ts';
import type { Storage } from '../../src/storage/port.ts';
import { type ModelChain, smallChain } from '../crash/chain.ts';
import { canonical, FORMATS, World } from '../faults/load.ts';

// What a run makes of a step that fails while another run applies it.

/** Lets something happen once, around the first call of the target's storage that fits. */
function around(
  fits: (operation: string, key: string) => boolean,
  happening: () => Promise<void>,
  when: 'before' | 'after',
): WrapStorage {
  let done = false;
  return (storage, end) =>
    end === 'source'
      ? storage
      : new Proxy(storage, {
          get(inner, name) {
            const method: unknown = Reflect.get(inner, name);
            if (typeof method !== 'function') return method;
            if (name !== 'put' && name !== 'adopt' && name !== 'putIf') return method.bind(inner);
            return async (...args: Parameters<Storage['put']>) => {
              const now = !done && fits(String(name), args[0]);
              done ||= now;
              if (now && when === 'before') await happening();
              const result: unknown = await Reflect.apply(method, inner, args);
              if (now && when === 'after') await happening();
              return result;
            };
          },
        });
}

/** A table that holds the full export, and whose first window is waiting. */
async function begun(world: World, target: string): Promise<ModelChain> {
  const dir = `${world.dir}/source`;
  await smallChain(dir, 0).then((chain) => world.load(chain.dir, target));
  return smallChain(dir, 1);
}

describe.each(FORMATS)('beside a faster run on %s', (format) => {
  test('a fault of its own is told, although the table holds the window by then', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const chain = await begun(world, target);
    const isData = (operation: string, key: string): boolean => operation === 'adopt' && key.endsWith('.parquet');
    const wrap = around(
      isData,
      async () => {
        await world.load(chain.dir, target);
        throw new TailraceError('DISK_FULL', 'The disk is full.', { hint: 'Free some space.' });
      },
      'before',
    );
    const report = await world.sync(chain.dir, target, { wrap });
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'DISK_FULL' } });
    expect(report.warnings.map(({ code }) => code)).not.toContain('applied-elsewhere');
    expect(await world.sync(chain.dir, target)).toMatchObject({ outcome: 'unchanged' });
  });

  test('a file of the journal that the other run has taken away is no fault', async () => {
    await using world = await World.open();
    const target = world.target(format);
    const chain = await begun(world, target);
    const isBatch = (_operation: string, key: string): boolean => /\/batch-\d+\.json$/.test(key);
    const wrap = around(isBatch, () => world.load(chain.dir, target).then(() => undefined), 'after');
    const report = await world.sync(chain.dir, target, { wrap });
    expect(report.error).toBeUndefined();
    expect(report.warnings.map(({ code }) => code)).toContain('applied-elsewhere');
    expect(await world.sync(chain.dir, target)).toMatchObject({ outcome: 'unchanged' });
  });

  test.each([0, 1])('a commit that both runs make is one of them’s: %i windows before', async (before) => {
    await using world = await World.open();
    const target = world.target(format);
    const dir = `${world.dir}/source`;
    if (before > 0) await smallChain(dir, 0).then((chain) => world.load(chain.dir, target));
    const chain = await smallChain(dir, before);
    // Right before the table would show the commit of the slower run.
    const isLast = (operation: string, key: string): boolean =>
      format === 'iceberg' ? /\/snap-[^/]*$/.test(key) : operation === 'putIf' && key.endsWith('_tailrace.json');
    let faster: SyncReport | undefined;
    const wrap = around(
      isLast,
      async () => {
        faster = await world.load(chain.dir, target);
      },
      'before',
    );
    const slower = await world.sync(chain.dir, target, { wrap });
    expect(faster).toMatchObject({ outcome: 'committed', applied: 1 });
    expect(slower).toMatchObject({ outcome: 'unchanged', applied: 0, counts: { written: 0 } });
    expect(slower.warnings.map(({ code }) => code)).toContain('applied-elsewhere');
    expect(slower.snapshot).toBe(faster?.snapshot);
    expect(await world.items(target)).toEqual(canonical([...(chain.states.at(-1)?.values() ?? [])]));
    expect(await world.sync(chain.dir, target)).toMatchObject({ outcome: 'unchanged', warnings: [] });
  });
});
