/**
 * One call of DynamoDB's API, bytes to bytes. The SDK finds region, endpoint and credentials, signs and sends; it neither
 * prints the request nor parses the reply, which is most of what it does with its time. The reply is held against its
 * checksum. Nothing is repeated here. The SDK is loaded with the first call.
 */
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import type {
  DynamoDBClient,
  DynamoDBClientConfig,
  ScanCommand,
  ScanCommandInput,
  ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import type { AwsSettings } from '../model/aws.ts';
import { CRC, CUT, DynamoFailure } from './errors.ts';
import type { DynamoLimits } from './limits.ts';
import { REPLY_BYTES_MAX, type WireReply } from './reply.ts';
import { Wire, type WireRequest } from './wire.ts';

/** Operations that tailrace calls. */
export type Operation = 'Scan' | 'DescribeTable' | 'BatchWriteItem' | 'CreateTable' | 'BatchGetItem';

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

type Sdk = typeof import('@aws-sdk/client-dynamodb');

/** One call, its body as it is sent. */
export interface ByteCall {
  readonly operation: Operation;
  readonly table: string;
  readonly body: string | Uint8Array;
  /** Where the reply's body may be put; of a call that fails, what was given is lost. */
  readonly alloc?: (bytes: number) => Buffer;
  readonly signal: AbortSignal;
}

/** What the middleware is given, as far as it is of interest here. */
interface Sent {
  readonly input: object;
  readonly request: WireRequest & { body?: unknown };
}
interface HttpReply extends Omit<WireReply, 'body'> {
  readonly body: IncomingMessage;
}

export class ByteClient {
  readonly #sdk: Sdk;
  readonly #client: DynamoDBClient;
  /** Takes the way of large replies. */
  readonly #wire: Wire;
  /** Calls under way, by the input that stands for them. */
  readonly #calls = new WeakMap<object, ByteCall>();

  private constructor(sdk: Sdk, config: DynamoDBClientConfig, limits: DynamoLimits) {
    this.#sdk = sdk;
    this.#wire = new Wire(limits);
    this.#client = new sdk.DynamoDBClient(config);
    const stack = this.#client.middlewareStack;
    // It copies and redacts whole replies for a logger that nobody set.
    stack.remove('loggerMiddleware');
    // Others repeat; its place is needed, because signing is added behind it.
    stack.add((next) => next, { step: 'finalizeRequest', name: 'retryMiddleware', priority: 'high', override: true });
    stack.add(
      (next) => (args) => {
        const { input, request } = args as Sent;
        const call = this.#calls.get(input);
        if (call !== undefined) request.body = call.body;
        return next(args);
      },
      { step: 'build', name: 'bodyAsGiven', priority: 'high' },
    );
    stack.add(
      (next) => async (args) => {
        const { input, request } = args as Sent;
        const { alloc, body, signal } = this.#calls.get(input) ?? {};
        const response =
          alloc !== undefined && body !== undefined && signal !== undefined
            ? await this.#wire.send(request, body, alloc, signal)
            : await gathered((await next(args)).response as HttpReply);
        return { response, output: { $metadata: {}, reply: checked(response) } as unknown as ServiceOutputTypes };
      },
      { step: 'deserialize', name: 'deserializerMiddleware', override: true },
    );
  }

  /** `region`: where the settings leave it open. */
  static async open(aws: AwsSettings, region: string | undefined, limits: DynamoLimits): Promise<ByteClient> {
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const sdk = await import('@aws-sdk/client-dynamodb');
    return new ByteClient(sdk, await configOf(sdk, aws, region, limits), limits);
  }

  /** Sends a JSON body; gives the reply's body. Throws DynamoFailure, or the signal's reason. */
  async call(call: ByteCall): Promise<Buffer> {
    const { operation, table, signal } = call;
    signal.throwIfAborted();
    const input = operation === 'BatchWriteItem' || operation === 'BatchGetItem' ? {} : { TableName: table };
    this.#calls.set(input, call);
    const Command = this.#sdk[`${operation}Command`] as unknown as typeof ScanCommand;
    try {
      const answer: unknown = await this.#client.send(new Command(input as ScanCommandInput), { abortSignal: signal });
      return (answer as { readonly reply: Buffer }).reply;
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown;
    }
  }

  close(): void {
    this.#client.destroy();
    this.#wire.close();
  }
}

/** What any client of AWS's is made of: region, credentials and endpoint by the settings and AWS's own rules. */
export async function configOf(
  sdk: Sdk,
  aws: AwsSettings,
  region: string | undefined,
  { socketsMax: maxSockets, connectTimeoutMs: connectionTimeout, replyTimeoutMs }: DynamoLimits,
): Promise<DynamoDBClientConfig> {
  const agent = { keepAlive: true, maxSockets };
  const timeouts = { connectionTimeout, socketTimeout: replyTimeoutMs, requestTimeout: replyTimeoutMs };
  const known = aws.region ?? region ?? process.env.AWS_REGION;
  const role = aws.roleArn === undefined ? undefined : await import('../storage/s3/role.ts');
  return {
    region: known ?? (() => foundRegion(sdk, aws)),
    maxAttempts: 1,
    requestHandler: { ...timeouts, throwOnRequestTimeout: true, httpAgent: agent, httpsAgent: agent, logger: SILENT },
    ...(aws.profile !== undefined && { profile: aws.profile }),
    ...(aws.endpoint !== undefined && { endpoint: aws.endpoint }),
    ...(role !== undefined && {
      credentials: role.roleCredentials(known === undefined ? aws : { ...aws, region: known }),
    }),
  };
}

/** The SDK knows the regions of environment and profile, but refuses to do without. */
async function foundRegion(sdk: Sdk, { profile }: AwsSettings): Promise<string> {
  const probe = new sdk.DynamoDBClient(profile === undefined ? {} : { profile });
  const found = await probe.config.region().catch(() => undefined);
  probe.destroy();
  return found ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
}

/** The body of a good reply, held against its checksum; throws for any other. */
function checked(response: WireReply): Buffer {
  const { statusCode, headers, body } = response;
  if (statusCode < 200 || statusCode >= 300) throw refusalOf(body, response);
  const stated = headers['x-amz-crc32'];
  if (stated !== undefined && Number(stated) !== crc32(body))
    throw new DynamoFailure(CRC, `a body of ${body.length} bytes has another checksum than its reply says`);
  return body;
}

/** The reply with its whole body. */
async function gathered({ statusCode, headers, body }: HttpReply): Promise<WireReply> {
  const stated = Number(headers['content-length'] ?? Number.NaN);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > REPLY_BYTES_MAX) throw new DynamoFailure(CUT, `a body has more than ${REPLY_BYTES_MAX} bytes`);
    }
  } catch (thrown) {
    body.destroy();
    if (thrown instanceof DynamoFailure) throw thrown;
    throw new DynamoFailure(CUT, `a body broke off after ${bytes} bytes`);
  }
  if (!Number.isNaN(stated) && stated !== bytes)
    throw new DynamoFailure(CUT, `a body of ${stated} bytes ended after ${bytes}`);
  return { statusCode, headers, body: Buffer.concat(chunks, bytes) };
}

/** `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"…"}`; from what lies between, anything. */
function refusalOf(body: Buffer, response: WireReply): DynamoFailure {
  let told: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null) told = parsed as Readonly<Record<string, unknown>>;
  } catch {
    // A proxy's page.
  }
  const type = typeof told['__type'] === 'string' ? told['__type'] : `HTTP ${response.statusCode}`;
  const text = told['message'] ?? told['Message'];
  const code = type.slice(type.lastIndexOf('#') + 1).split(':')[0] ?? type;
  const message = typeof text === 'string' ? text : `the service answered with HTTP ${response.statusCode}`;
  return new DynamoFailure(code, message, response.statusCode, response);
}
