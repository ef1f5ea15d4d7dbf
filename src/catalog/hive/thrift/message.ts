/** Calls and their replies as Thrift's messages. */
import { CODE, ProtocolError, ThriftReader, ThriftWriter } from './binary.ts';
import { i32, string, struct, type ThriftType } from './types.ts';

/** The protocol's version in the upper half, the kind of the message in the lowest byte. */
const VERSION = -0x7f_ff_00_00;
const KIND = { call: 1, reply: 2, exception: 3 } as const;

/** A function of a service. */
export interface Method<A, R> {
  readonly name: string;
  readonly args: ThriftType<A>;
  /** Absent: it gives nothing back. */
  readonly result?: ThriftType<R>;
  /** Names of the exceptions that it may throw; the first has the id 1. */
  readonly exceptions: readonly string[];
}

/** The server did the call, and answered with an exception. */
export class Refusal extends Error {
  /** The exception's name, such as NoSuchObjectException; TApplicationException where none was declared. */
  readonly exception: string;

  constructor(exception: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.exception = exception;
  }
}

const exceptionStruct = struct({ message: [1, string] });
const applicationException = struct({ message: [1, string], type: [2, i32] });

/** The bytes of a call. */
export function callMessage<A, R>(method: Method<A, R>, args: A, sequence: number): Buffer {
  const out = new ThriftWriter();
  out.i32(VERSION + KIND.call);
  out.string(method.name);
  out.i32(sequence);
  method.args.write(out, args);
  return out.bytes();
}

/** The reply to a call: its result, or its Refusal. Throws Underrun while bytes are missing. */
export function readReply<A, R>(method: Method<A, R>, bytes: Buffer, sequence: number): R | Refusal {
  const from = new ThriftReader(bytes);
  const kind = from.i32() - VERSION;
  if (kind < 0 || kind > 0xff) throw new ProtocolError(`The reply begins with ${bytes.toString('hex', 0, 8)}.`);
  const [name, number] = [from.string(), from.i32()];
  if (kind === KIND.exception) {
    const { message, type } = applicationException.read(from);
    return new Refusal('TApplicationException', message ?? `type ${type}`);
  }
  if (kind !== KIND.reply || number !== sequence || name !== method.name)
    throw new ProtocolError(`Message ${number} of kind ${kind} (${name}) in place of the reply to ${method.name}.`);
  return readResult(method, from);
}

function readResult<A, R>(method: Method<A, R>, from: ThriftReader): R | Refusal {
  let outcome: { readonly is: R | Refusal } | undefined;
  for (let code = from.byte(); code !== CODE.STOP; code = from.byte()) {
    const id = from.i16();
    const exception = method.exceptions[id - 1];
    if (id === 0 && method.result?.code === code) outcome = { is: method.result.read(from) };
    else if (exception !== undefined && code === CODE.STRUCT)
      outcome = { is: new Refusal(exception, exceptionStruct.read(from).message ?? exception) };
    else from.skip(code);
  }
  if (outcome !== undefined) return outcome.is;
  if (method.result !== undefined) throw new ProtocolError(`The reply to ${method.name} holds no result.`);
  return undefined as R;
}
