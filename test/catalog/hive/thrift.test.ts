import { createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { METHODS } from '../../../src/catalog/hive/api.ts';
import { HIVE_LIMITS } from '../../../src/catalog/hive/limits.ts';
import { ProtocolError, ThriftReader, ThriftWriter, Underrun } from '../../../src/catalog/hive/thrift/binary.ts';
import { openConnection } from '../../../src/catalog/hive/thrift/connection.ts';
import { callMessage, type Method, Refusal, readReply } from '../../../src/catalog/hive/thrift/message.ts';
import {
  bool,
  i32,
  i64,
  list,
  string,
  struct,
  type ThriftType,
  textMap,
  UNREAD,
} from '../../../src/catalog/hive/thrift/types.ts';

const inner = struct({ text: [1, string], flags: [7, list(bool)] });
const outer = struct({
  number: [1, i32],
  wide: [2, i64],
  text: [3, string],
  map: [4, textMap],
  inner: [5, inner],
  list: [-3, list(inner)],
  lists: [9, list(list(i64))],
});
/** The same as an older program knows it. */
const older = struct({ text: [3, string] });

const texts = fc.string({ unit: 'grapheme' });
const inners = fc.record({ text: texts, flags: fc.array(fc.boolean()) }, { requiredKeys: [] });
const outers = fc.record(
  {
    number: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    wide: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    text: texts,
    map: fc.dictionary(texts, texts),
    inner: inners,
    list: fc.array(inners),
    lists: fc.array(fc.array(fc.bigInt({ min: 0n, max: 9n }))),
  },
  { requiredKeys: [] },
);

function bytesOf<T>(type: ThriftType<T>, value: T): Buffer {
  const out = new ThriftWriter();
  type.write(out, value);
  return Buffer.from(out.bytes());
}

const readFrom = <T>(type: ThriftType<T>, bytes: Buffer): T => type.read(new ThriftReader(bytes));

describe('values', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(outers, (value) => {
        expect(readFrom(outer, bytesOf(outer, value))).toEqual(value);
      }),
    );
  });

  test('of fields that are not known travel along, and go back as they came', () => {
    fc.assert(
      fc.property(outers, texts, (value, text) => {
        const seen = readFrom(older, bytesOf(outer, value));
        expect(readFrom(outer, bytesOf(older, { ...seen, text }))).toEqual({ ...value, text });
      }),
    );
    expect(readFrom(older, bytesOf(outer, { number: 1 }))[UNREAD]?.length).toBe(1);
  });

  test('of another type than the one that is known are not known', () => {
    const seen = readFrom(struct({ number: [1, string] }), bytesOf(outer, { number: 7 }));
    expect(seen.number).toBeUndefined();
    expect(readFrom(outer, bytesOf(struct({ number: [1, string] }), seen))).toEqual({ number: 7 });
  });

  test('that are cut short say how much is wanted at least, and never come to an end too soon', () => {
    fc.assert(
      fc.property(outers, (value) => {
        const bytes = bytesOf(outer, value);
        for (let cut = 0; cut < bytes.length; cut += 1) {
          const wanted = underrunOf(() => readFrom(outer, bytes.subarray(0, cut)));
          expect(wanted).toBeGreaterThan(cut);
          expect(wanted).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ['a negative length', Buffer.from([11, 0, 3, 255, 255, 255, 255])],
    ['a type that does not exist', Buffer.from([77, 0, 3, 0])],
    ['elements of another type', Buffer.from([15, 0xff, 0xfd, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0])],
    ['structs without end', Buffer.concat(Array.from({ length: 40 }, () => Buffer.from([12, 0, 99])))],
  ])('%s is refused', (_, bytes) => {
    expect(() => readFrom(outer, bytes)).toThrow(ProtocolError);
  });

  test('a map keeps keys that objects have of their own', () => {
    const map = readFrom(textMap, bytesOf(textMap, JSON.parse('{"__proto__": "x", "constructor": "y"}')));
    expect(Object.entries(map)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('messages', () => {
  const method: Method<{ readonly text?: string }, string> = {
    name: 'say',
    args: struct({ text: [1, string] }),
    result: string,
    exceptions: ['MetaException', 'NoSuchObjectException'],
  };
  const reply = (kind: number, ...rest: readonly number[]): Buffer =>
    Buffer.from([0x80, 1, 0, kind, 0, 0, 0, 3, ...Buffer.from('say'), 0, 0, 0, 5, ...rest]);
  const text = (value: string): readonly number[] => [0, 0, 0, value.length, ...Buffer.from(value)];

  test('are those of the binary protocol', () => {
    expect(callMessage(method, { text: 'é' }, 5).toString('hex')).toBe(
      ['80010001', '00000003', '736179', '00000005', '0b0001', '00000002', 'c3a9', '00'].join(''),
    );
    expect(readReply(method, reply(2, 11, 0, 0, ...text('yes'), 0), 5)).toBe('yes');
  });

  test('of refusals tell the exception', () => {
    const declared = readReply(method, reply(2, 12, 0, 2, 11, 0, 1, ...text('gone'), 0, 0), 5);
    expect(declared).toMatchObject({ exception: 'NoSuchObjectException', message: 'gone' });
    const unknown = readReply(method, reply(3, 11, 0, 1, ...text('no such method'), 8, 0, 2, 0, 0, 0, 1, 0), 5);
    expect(unknown).toBeInstanceOf(Refusal);
    expect(unknown).toMatchObject({ exception: 'TApplicationException', message: 'no such method' });
  });

  test.each([
    ['another call', reply(2, 11, 0, 0, ...text('yes'), 0), 6],
    ['no result', reply(2, 0), 5],
    ['a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 5],
  ])('of %s are refused', (_, bytes, sequence) => {
    expect(() => readReply(method, bytes, sequence)).toThrow(ProtocolError);
  });
});

describe('a connection', () => {
  test('takes a reply in any pieces, refuses one that is too long, and tells whether a call was sent', async () => {
    const names = ['a'.repeat(3_000), 'b'];
    const result = bytesOf(struct({ success: [0, list(string)] }), { success: names });
    const head = Buffer.from([0x80, 1, 0, 2, 0, 0, 0, 17, ...Buffer.from('get_all_databases'), 0, 0, 0, 1]);
    const bytes = Buffer.concat([head, result]);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        for (let at = 0; at < bytes.length; at += 700)
          setTimeout(() => socket.write(bytes.subarray(at, at + 700)), at / 100);
      });
    });
    const address = await listen(server);
    try {
      const connection = await openConnection(address, HIVE_LIMITS);
      expect(await connection.call(METHODS.databases, {})).toEqual(names);
      connection.close();
      await expect(connection.call(METHODS.databases, {})).rejects.toMatchObject({ name: 'Lost', sent: false });
      const strict = await openConnection(address, { ...HIVE_LIMITS, replyBytesMax: 1_000 });
      await expect(strict.call(METHODS.databases, {})).rejects.toMatchObject({ name: 'Lost', sent: true });
      expect(strict.open).toBe(false);
    } finally {
      await new Promise((done) => server.close(done));
    }
    await expect(openConnection(address, HIVE_LIMITS)).rejects.toMatchObject({ name: 'Lost', sent: false });
  });
});

function underrunOf(read: () => unknown): number {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof Underrun) return thrown.bytesMin;
    throw thrown;
  }
  return expect.fail('it was read');
}

async function listen(server: Server): Promise<{ readonly host: string; readonly port: number }> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { host: '127.0.0.1', port: address.port };
}
