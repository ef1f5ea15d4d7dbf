import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { streamSink } from '../../src/cli/print/sink.ts';

const pipe = (): PassThrough & NodeJS.WriteStream =>
  new PassThrough({ highWaterMark: 10 }) as unknown as PassThrough & NodeJS.WriteStream;
const settled = async (promise: Promise<void>): Promise<boolean> => {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  return done;
};

test('a slow reader slows the writer down', async () => {
  const stream = pipe();
  const sink = streamSink(stream, {});
  expect(await settled(sink.write('short'))).toBe(true);
  const long = sink.write('longer than the buffer of the pipe');
  expect(await settled(long)).toBe(false);
  stream.resume();
  expect(await settled(long)).toBe(true);
});

test('EPIPE closes it in silence and lets a waiting writer go; other errors are kept', async () => {
  const stream = pipe();
  const sink = streamSink(stream, {});
  const waiting = sink.write('longer than the buffer of the pipe');
  stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(await settled(waiting)).toBe(true);
  expect([sink.closed, sink.failure]).toEqual([true, undefined]);
  expect(await settled(sink.write('more'))).toBe(true);
  expect(await settled(sink.flush())).toBe(true);

  const other = pipe();
  const full = streamSink(other, {});
  other.destroy(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
  await settled(Promise.resolve());
  expect(full.failure?.message).toBe('no space');
});
