/**
 * Conditional puts: the calls that commits hang on. Their rules:
 *
 * 1. The SDK never repeats them; this file does, because only here is it known what an answer means after a repeat.
 * 2. Once one try may have reached the store without an answer (cut connection, timeout, 5xx), a later refusal may be
 *    our own earlier success. So the object is read back and compared.
 * 3. 409 says that another put is under way and that nothing was written: it is tried again. 412 settles the matter.
 * 4. What reading cannot settle is `unknown`, never a guess: whoever is told `exists` may delete what it prepared.
 */
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { PutCondition, PutOutcome } from '../port.ts';
import { failureOf, isHopeless } from './errors.ts';
import { backOff, type S3Limits } from './limits.ts';

export interface ConditionalPut {
  /** A client that tries once. */
  readonly client: S3Client;
  readonly limits: S3Limits;
  readonly input: { readonly Bucket: string; readonly Key: string; readonly Body: Uint8Array };
  readonly condition: PutCondition;
  /** What lies there now; undefined for nothing. */
  readBack(): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined>;
}

/** Puts under a condition. Throws the SDK's error when the store refused and nothing was written. */
export async function putConditionally(put: ConditionalPut): Promise<PutOutcome> {
  let lost: unknown;
  let refusal: unknown;
  for (let attempt = 1; attempt <= put.limits.conditionalAttemptsMax; attempt += 1) {
    if (attempt > 1) await backOff(attempt, put.limits);
    try {
      return { kind: 'written', etag: await send(put) };
    } catch (error) {
      const verdict = verdictOf(error, put.condition);
      if (verdict === 'lost') lost = error;
      else if (verdict === 'held off') refusal = error;
      else if (lost !== undefined) return await settle(put, lost);
      else if (verdict === 'taken') return { kind: 'exists' };
      else throw error;
    }
  }
  if (lost !== undefined) return await settle(put, lost);
  throw refusal;
}

type Verdict = 'taken' | 'held off' | 'lost' | 'refused';

function verdictOf(error: unknown, condition: PutCondition): Verdict {
  const { code, status } = failureOf(error);
  if (isHopeless(error)) return 'refused';
  if (status === 412 || code === 'PreconditionFailed') return 'taken';
  if (status === 404 && condition.ifMatch !== undefined) return 'taken';
  if (status === 409 || status === 429) return 'held off';
  // Before the connection stands, nothing can have been written.
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') return 'held off';
  if (status === undefined || status >= 500 || status === 408 || code === 'RequestTimeout') return 'lost';
  return 'refused';
}

async function send(put: ConditionalPut): Promise<string> {
  const { ifAbsent, ifMatch } = put.condition;
  const reply = await put.client.send(
    new PutObjectCommand({
      ...put.input,
      ...(ifAbsent && { IfNoneMatch: '*' }),
      ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    }),
  );
  if (reply.ETag === undefined) throw new Error('The reply to the put has no ETag.');
  return reply.ETag;
}

async function settle(put: ConditionalPut, lost: unknown): Promise<PutOutcome> {
  try {
    const there = await put.readBack();
    // Nothing there: the lost put may yet land.
    if (!there) return { kind: 'unknown', cause: lost };
    if (Buffer.from(there.body).equals(put.input.Body)) return { kind: 'written', etag: there.etag };
    // Where nothing may be overwritten, another's object proves that ours never was. Where objects are swapped, ours
    // may have been there, and have been swapped for this one since.
    return put.condition.ifAbsent ? { kind: 'exists' } : { kind: 'unknown', cause: lost };
  } catch (cause) {
    return { kind: 'unknown', cause };
  }
}
