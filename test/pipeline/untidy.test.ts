import { join } from 'node:path';
import { expect, test } from 'vitest';
import { syncThrough } from '../../src/pipeline/sync.ts';
import type { Storage } from '../../src/storage/port.ts';
import { canonicalItems, catItems, exportOf, optionsWith, quiet } from './harness.ts';

/** Generations' folders cannot be listed, as where a policy names prefixes; everything else works. */
function unlisted(storage: Storage): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      if (name !== 'list') return method.bind(target);
      return (prefix: string) => {
        if (prefix.includes('/g-')) throw new Error('Access to the list is denied.');
        return target.list(prefix);
      };
    },
  });
}

test('Parquet: a commit that stands is told as committed, with a warning where its folder could not be tidied', async () => {
  const items = [{ pk: { S: 'a' } }];
  const { exportDir, dir } = await exportOf([items]);
  const target = `parquet:${join(dir, 'table')}`;
  const warnings = [
    {
      code: 'strays-left',
      text:
        'The folder may still hold files of a killed run, which readers that list it would see: ' +
        'Access to the list is denied. Run the same command again before anybody reads it.',
    },
  ];
  for (const outcome of ['committed', 'unchanged']) {
    const report = await syncThrough(unlisted, exportDir, target, optionsWith(), quiet());
    expect(report).toMatchObject({ outcome, warnings });
    expect(report.error).toBeUndefined();
  }
  expect(await catItems(target, optionsWith())).toEqual(canonicalItems(items));
});
