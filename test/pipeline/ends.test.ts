import { describe, expect, test } from 'vitest';
import { parseExport, parseSource, parseTarget } from '../../src/pipeline/ends/ends.ts';

describe('a source', () => {
  test.each(['./x', '/x', 'x', 'export:./x', 's3://bucket/x'])('%s is an export', (text) => {
    expect(parseSource(text).kind).toBe('export');
  });
  test.each(['landed:./x', 'parquet:./x', 'nonsense:./x'])('%s is refused with what may stand there', (text) => {
    expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'USAGE', place: 'source', found: text }));
  });
});

test('a source is a table by its name, or by its ARN, which tells the region', () => {
  expect(parseSource('dynamodb:Shop.eu_1-x')).toEqual({ kind: 'dynamodb', table: 'Shop.eu_1-x' });
  const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/Shop';
  expect(parseSource(`dynamodb:${arn}`)).toEqual({ kind: 'dynamodb', table: arn, region: 'eu-west-1' });
  for (const text of ['dynamodb:', 'dynamodb:a/b', 'dynamodb:no', `dynamodb:${arn}/index/by-date`]) {
    expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'USAGE', found: text }));
    expect(() => parseExport('dynamodb:Shop')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  }
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
