import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStorage, parseLocation } from '../../src/storage/locate.ts';

describe('parseLocation', () => {
  test.each([
    ['s3://bucket/a/b', { kind: 's3', bucket: 'bucket', key: 'a/b', uri: 's3://bucket/a/b' }],
    ['s3://bucket/a b+%/', { kind: 's3', bucket: 'bucket', key: 'a b+%', uri: 's3://bucket/a b+%' }],
    ['s3://bucket/key///', { kind: 's3', bucket: 'bucket', key: 'key', uri: 's3://bucket/key' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', key: '', uri: 's3://bucket' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', key: '', uri: 's3://bucket' }],
    ['/abs/path/', { kind: 'local', root: '/', key: 'abs/path', uri: '/abs/path' }],
    ['/abs/../other', { kind: 'local', root: '/', key: 'other', uri: '/other' }],
    ['file:///abs/path', { kind: 'local', root: '/', key: 'abs/path', uri: '/abs/path' }],
    ['file:/abs/path', { kind: 'local', root: '/', key: 'abs/path', uri: '/abs/path' }],
    ['/', { kind: 'local', root: '/', key: '', uri: '/' }],
    ['day=1:2', { kind: 'local', root: '/', key: resolve('day=1:2').slice(1), uri: resolve('day=1:2') }],
    ['~/lake', { kind: 'local', root: '/', key: join(homedir(), 'lake').slice(1), uri: join(homedir(), 'lake') }],
    ['~', { kind: 'local', root: '/', key: homedir().slice(1), uri: homedir() }],
    ['./~/lake', { kind: 'local', root: '/', key: resolve('~/lake').slice(1), uri: resolve('~/lake') }],
    ['./here/../there', { kind: 'local', root: '/', key: resolve('there').slice(1), uri: resolve('there') }],
  ])('%s', (text, location) => {
    expect(parseLocation(text)).toEqual(location);
  });

  test.each([
    '',
    's3://',
    's3:///key',
    's3a://bucket/a',
    'gs://bucket/a',
    'https://x/y',
    's3://bucket/a/../b',
    's3://bucket//a',
    'file://host/a',
    'a\0b',
  ])('%j is refused with a hint', (text) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('s3://bucket'), found: text }) as Error,
    );
  });
});

test('another user’s home folder is refused, not made a folder of that name', () => {
  expect(() => parseLocation('~bob/lake')).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      found: '~bob/lake',
      hint: expect.stringContaining('./~bob/lake'),
    }) as Error,
  );
});

test('a local location opens the whole file system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-locate-'));
  try {
    const location = parseLocation(join(folder, 'table'));
    const storage = await openStorage(location, {});
    await storage.put(`${location.key}/a`, new Uint8Array([1]));
    expect(storage.uri(`${location.key}/a`)).toBe(`${location.uri}/a`);
    expect(storage.key(`${location.uri}/a`)).toBe(`${location.key}/a`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('an S3 location opens its bucket, without a call', async () => {
  const storage = await openStorage(parseLocation('s3://bucket/folder'), { aws: { region: 'eu-west-1' } });
  expect(storage.uri('folder/x')).toBe('s3://bucket/folder/x');
  expect(storage.key('s3a://bucket/folder/x')).toBe('folder/x');
  await storage.close();
});
