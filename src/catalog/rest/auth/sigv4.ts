/** AWS Signature Version 4, for the endpoints of Glue (`glue`) and S3 Tables (`s3tables`). */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { asTailraceError, TailraceError } from '../../../model/errors.ts';
import type { AwsSettings } from '../../../model/options.ts';
import type { CredentialProvider } from '../../../storage/s3/role.ts';
import type { Auth, RestRequest } from '../http.ts';

export interface SigV4Settings {
  readonly service: string;
  readonly aws: AwsSettings;
}

interface Signer {
  sign(request: object): Promise<{ readonly headers: Readonly<Record<string, string>> }>;
}

/** Signs each request. Credentials follow AWS's own rules, and are renewed by them. */
export function sigv4(settings: SigV4Settings): Auth {
  let signer: Promise<Signer> | undefined;
  return {
    headers: async (request) => {
      signer ??= openSigner(settings);
      return signed(await signer, request);
    },
    // Temporary credentials that were renewed elsewhere are read again.
    renew: async () => {
      signer = undefined;
      return true;
    },
  };
}

async function signed(signer: Signer, { method, url, headers, body }: RestRequest): Promise<Record<string, string>> {
  const request = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host },
    body,
  };
  let complete: { readonly headers: Readonly<Record<string, string>> };
  try {
    complete = await signer.sign(request);
  } catch (cause) {
    if (cause instanceof TailraceError) throw cause;
    throw new TailraceError('ACCESS_DENIED', 'There are no AWS credentials to sign the requests to the catalog with.', {
      place: url.host,
      found: asTailraceError(cause).message,
      cause,
      hint: 'Check the profile or the AWS_ variables.',
    });
  }
  // fetch sets the host itself, to the same.
  const { host: _, ...rest } = complete.headers;
  return rest;
}

async function openSigner({ service, aws }: SigV4Settings): Promise<Signer> {
  const [{ SignatureV4 }, { regionOf, roleCredentials }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('../../../storage/s3/role.ts'),
  ]);
  const credentials: CredentialProvider = aws.roleArn === undefined ? await chain(aws) : roleCredentials(aws);
  const region = regionOf(aws);
  return new SignatureV4({
    service,
    region: typeof region === 'string' ? region : await region(),
    credentials,
    sha256: Sha256,
  }) as Signer;
}

async function chain(aws: AwsSettings): Promise<CredentialProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain(aws.profile === undefined ? {} : { profile: aws.profile });
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** Node's SHA-256 in the form that the signer takes. */
class Sha256 {
  readonly #secret: Bytes | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.#secret = secret;
    this.#hash = this.#fresh();
  }

  update(data: Bytes): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#fresh();
  }

  #fresh(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret));
  }
}

function bytesOf(data: Bytes): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
