import { describe, expect, test } from 'vitest';
import { parseSource, parseTarget } from '../../src/pipeline/ends.ts';

describe('a source', () => {
  test.each(['./x', '/x', 'x', 'export:./x', 's3://bucket/x'])('%s is an export', (text) => {
    expect(parseSource(text).kind).toBe('export');
  });
  test.each(['dynamodb:Shop', 'landed:./x', 'parquet:./x', 'nonsense:./x'])(
    '%s is refused with what may stand there',
    (text) => {
      expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'USAGE', place: 'source', found: text }));
    },
  );
});

describe('a target', () => {
  test.each([
    ['./x', undefined],
    ['/x', undefined],
    ['~/x', undefined],
    ['iceberg:~/x', 'iceberg'],
    ['s3://bucket/x', undefined],
    ['iceberg:./x', 'iceberg'],
    ['parquet:s3://bucket/x', 'parquet'],
  ])('%s', (text, format) => {
    expect(parseTarget(text).format).toBe(format);
  });
  test.each([
    ['iceberg:prod.shop.orders', 'iceberg', ['shop', 'orders']],
    ['prod.shop.eu.orders', 'iceberg', ['shop', 'eu', 'orders']],
    ['parquet:prod.shop.orders', 'parquet', ['shop', 'orders']],
  ])('%s is a name in a catalog', (text, format, path) => {
    expect(parseTarget(text)).toEqual({ format, name: { catalog: 'prod', path } });
  });
  test.each(['orders', 'iceberg:shop.orders', 'iceberg:prod..orders', 'parquet:shop.orders', 'iceberg:'])(
    '%s is no such name, nor a location',
    (text) => {
      expect(() => parseTarget(text)).toThrow(
        expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('./') }),
      );
    },
  );
  test.each(['delta:./x', 'dynamodb:Shop', 'nonsense:./x'])('%s is refused', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'USAGE', place: 'target' }));
  });
});
