import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { withPool } from '../../../src/source/ion/pool.ts';

test('a result is let go once it is used, while the pool lives on', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  await withPool(async (run) => {
    const refs: WeakRef<object>[] = [];
    for (let i = 0; i < 4; i++) {
      const result = await run({ bytes: Buffer.from('{Item:{a:1}}\n'), numbers: [1], file: 'f' }, undefined);
      expect(Buffer.from(result.bytes).toString()).toBe('{"Item":{"a":{"N":"1"}}}\n');
      refs.push(new WeakRef(result));
    }
    await wait(20);
    gc();
    // The last one may still be somewhere on the stack.
    expect(refs.slice(0, -1).filter((ref) => ref.deref() !== undefined)).toHaveLength(0);
  });
});
