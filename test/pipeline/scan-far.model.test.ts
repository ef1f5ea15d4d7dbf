import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { WrapStorage } from '../../src/pipeline/ends/open.ts';
import { syncThrough } from '../../src/pipeline/sync.ts';
import type { Storage } from '../../src/storage/port.ts';
import type { DdbItem } from '../data/ion.ts';
import { FORMATS, quiet } from './harness.ts';
import { type ScanChange, Shop } from './scan-harness.ts';

// A target whose files must be fetched before the engine can read them, as on S3.

/** Counts the bytes of whole files that are fetched. */
function far(counted: { bytes: number }): WrapStorage {
  return (storage, end) => {
    if (end === 'source') return storage;
    const getStream: Storage['getStream'] = async (key, options) => {
      counted.bytes += (await storage.head(key))?.sizeBytes ?? 0;
      return storage.getStream(key, options);
    };
    const own: Partial<Storage> = { kind: 's3', localPath: () => undefined, getStream };
    return new Proxy(storage, {
      get: (inner, name) => {
        if (name in own) return own[name as keyof Storage];
        const value: unknown = Reflect.get(inner, name, inner);
        return typeof value === 'function' ? value.bind(inner) : value;
      },
    });
  };
}

/** Items of about 10 KB that nothing makes smaller. */
const large = (letter: string, count: number): DdbItem[] =>
  Array.from({ length: count }, (_, i) => ({
    pk: { S: `${letter}${String(i).padStart(3, '0')}` },
    text: { S: randomBytes(7_500).toString('base64') },
  }));

test.each(FORMATS)(
  'a mirror of a far table of %s reads keys of all files, and whole ones only where items meet them',
  async (format) => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => large(letter, 30));
    await using shop = await Shop.open({ items: all.flat(), pageBytes: 310_000 }, format);
    const counted = { bytes: 0 };
    const scan = async (more: ScanChange, tempBudgetBytes: number) => {
      const standard = shop.options({ segments: 1, ...more }, { tempBudgetBytes });
      const options = { ...standard, upkeep: false };
      return syncThrough(far(counted), 'dynamodb:orders', shop.target, options, quiet());
    };
    expect((await scan({ commitEveryMs: 0 }, 1e9)).applied).toBe(6);
    shop.table.items = all.flat().slice(0, -2);
    shop.server.refresh();
    counted.bytes = 0;
    // Half of it holds one file and the piece that meets it, and the whole of it not all files.
    const report = await scan({ commitEveryMs: 0 }, 1_000_000);
    expect(report.error).toBeUndefined();
    expect(report).toMatchObject({ counts: { read: 178, written: 0, unchanged: 178 }, scan: { rowsRemoved: 2 } });
    expect(counted.bytes).toBeLessThan(3_000_000);
    expect(await shop.rows()).toEqual(shop.expected);
  },
);
