/**
 * Copies within a bucket, made by the store. A copy may be repeated blindly: its source never changes under the same
 * etag, and whoever reads the result sees it whole or not at all. A store that fails midway says so in the body of a
 * reply 200; the SDK reads that, and tries again.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { ObjectInfo } from '../port.ts';
import type { S3Limits } from './limits.ts';

const PARTS_MAX = 10_000;

export interface ObjectCopy {
  readonly client: S3Client;
  readonly limits: S3Limits;
  readonly source: ObjectInfo;
  readonly to: CreateMultipartUploadCommandInput & { readonly Bucket: string; readonly Key: string };
}

/** Copies an object, in parts if it is too large for one call; gives the copy's etag. */
export async function copyObject(copy: ObjectCopy, signal: AbortSignal | undefined): Promise<string> {
  const { client, limits, source, to } = copy;
  if (source.sizeBytes > limits.copyBytesMax) return await copyParts(copy, signal);
  const reply = await client.send(new CopyObjectCommand({ ...to, ...from(copy) }), abortable(signal));
  return present(reply.CopyObjectResult?.ETag);
}

async function copyParts(copy: ObjectCopy, signal: AbortSignal | undefined): Promise<string> {
  const { client, to } = copy;
  const upload = await client.send(new CreateMultipartUploadCommand(to), abortable(signal));
  const at = { Bucket: to.Bucket, Key: to.Key, UploadId: upload.UploadId };
  try {
    const Parts = await eachPart(copy, at, signal);
    const done = await client.send(
      new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts } }),
      abortable(signal),
    );
    return present(done.ETag);
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(at)).catch(() => undefined);
    throw error;
  }
}

async function eachPart(
  copy: ObjectCopy,
  at: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  signal: AbortSignal | undefined,
): Promise<{ readonly PartNumber: number; readonly ETag: string }[]> {
  const { client, limits, source } = copy;
  const size = Math.max(limits.copyPartBytes, Math.ceil(source.sizeBytes / PARTS_MAX));
  const count = Math.ceil(source.sizeBytes / size);
  const parts: { readonly PartNumber: number; readonly ETag: string }[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < count && !failed) {
      const index = next++;
      const end = Math.min(source.sizeBytes, (index + 1) * size) - 1;
      try {
        const reply = await client.send(
          new UploadPartCopyCommand({
            ...at,
            ...from(copy),
            PartNumber: index + 1,
            CopySourceRange: `bytes=${index * size}-${end}`,
          }),
          abortable(signal),
        );
        parts[index] = { PartNumber: index + 1, ETag: present(reply.CopyPartResult?.ETag) };
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  // All have ended before the parts may be removed: one that came later would stay, and cost storage.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limits.partsAtOnce, count) }, worker));
  const failure = ended.find((each) => each.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return parts;
}

/** The source by its etag: another object that took its place meanwhile is not copied. */
function from({ source, to }: ObjectCopy): { readonly CopySource: string; readonly CopySourceIfMatch: string } {
  const key = source.key.split('/').map(encodeURIComponent).join('/');
  return { CopySource: `${to.Bucket}/${key}`, CopySourceIfMatch: source.etag };
}

function abortable(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

function present(etag: string | undefined): string {
  if (etag === undefined) throw new Error('The reply to the copy has no ETag.');
  return etag;
}
