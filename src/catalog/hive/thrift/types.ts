/**
 * Descriptions of Thrift's types, from which both TypeScript's types and the bytes follow. A struct names the fields
 * that we use; those that a newer server knows besides travel along with it unread, and go back as they came.
 */
import { CODE, ProtocolError, type ThriftReader, type ThriftWriter } from './binary.ts';

export interface ThriftType<T> {
  readonly code: number;
  write(out: ThriftWriter, value: T): void;
  read(from: ThriftReader): T;
}

/** The values of a type. */
export type ValueOf<D> = D extends ThriftType<infer T> ? T : never;

type Fields = Readonly<Record<string, readonly [id: number, type: ThriftType<unknown>]>>;

/** Fields of a struct that its description does not name. */
export const UNREAD = Symbol('fields that are not read');

interface UnreadField {
  readonly id: number;
  readonly code: number;
  readonly bytes: Uint8Array;
}

/** Whether a field must be there is for the server to say. */
export type StructOf<F extends Fields> = { readonly [K in keyof F]?: ValueOf<F[K][1]> } & {
  readonly [UNREAD]?: readonly UnreadField[];
};

export const bool: ThriftType<boolean> = {
  code: CODE.BOOL,
  write: (out, value) => out.byte(value ? 1 : 0),
  read: (from) => from.byte() !== 0,
};

/** Enumerations, too. */
export const i32: ThriftType<number> = {
  code: CODE.I32,
  write: (out, value) => out.i32(value),
  read: (from) => from.i32(),
};

export const i64: ThriftType<bigint> = {
  code: CODE.I64,
  write: (out, value) => out.i64(value),
  read: (from) => from.i64(),
};

export const string: ThriftType<string> = {
  code: CODE.STRING,
  write: (out, value) => out.string(value),
  read: (from) => from.string(),
};

/** A list of such elements. */
export function list<T>(element: ThriftType<T>): ThriftType<readonly T[]> {
  return {
    code: CODE.LIST,
    write: (out, values) => {
      out.byte(element.code);
      out.i32(values.length);
      for (const value of values) element.write(out, value);
    },
    read: (from) => {
      const [code, size] = [from.byte(), from.size()];
      if (size > 0) expectCode(code, element.code);
      const values: T[] = [];
      while (values.length < size) values.push(element.read(from));
      return values;
    },
  };
}

/** The only maps that a Metastore has: text by text. */
export const textMap: ThriftType<Readonly<Record<string, string>>> = {
  code: CODE.MAP,
  write: (out, value) => {
    const entries = Object.entries(value);
    out.byte(CODE.STRING);
    out.byte(CODE.STRING);
    out.i32(entries.length);
    for (const entry of entries) for (const text of entry) out.string(text);
  },
  read: (from) => {
    const [key, value, size] = [from.byte(), from.byte(), from.size()];
    if (size > 0) for (const code of [key, value]) expectCode(code, CODE.STRING);
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries(Array.from({ length: size }, () => [from.string(), from.string()] as const));
  },
};

/** A struct with these fields, each with its id. */
export function struct<const F extends Fields>(fields: F): ThriftType<StructOf<F>> {
  const byId = new Map(Object.entries(fields).map(([name, [id, type]]) => [id, { name, type }]));
  return {
    code: CODE.STRUCT,
    write: (out, value) => {
      for (const [name, [id, type]] of Object.entries(fields)) {
        const part = (value as Readonly<Record<string, unknown>>)[name];
        if (part === undefined) continue;
        out.byte(type.code);
        out.i16(id);
        type.write(out, part);
      }
      for (const { id, code, bytes } of value[UNREAD] ?? []) {
        out.byte(code);
        out.i16(id);
        out.raw(bytes);
      }
      out.byte(CODE.STOP);
    },
    read: (from) => {
      const value: Record<string | symbol, unknown> = {};
      const unread: UnreadField[] = [];
      for (let code = from.byte(); code !== CODE.STOP; code = from.byte()) {
        const id = from.i16();
        const known = byId.get(id);
        if (known?.type.code === code) value[known.name] = known.type.read(from);
        else unread.push({ id, code, bytes: from.skip(code) });
      }
      if (unread.length > 0) value[UNREAD] = unread;
      return value as StructOf<F>;
    },
  };
}

function expectCode(found: number, expected: number): void {
  if (found !== expected) throw new ProtocolError(`Elements of type ${found} in place of ${expected}.`);
}
