/**
 * One call of DynamoDB's API, bytes to bytes. The SDK finds region, endpoint and credentials, signs and sends; it neither
 * prints the request nor parses the reply, which is most of what it does with its time. The reply is held against its
 * checksum. Nothing is repeated here. The SDK is loaded with the first call.
 */
import type { IncomingMessage } from 'node:http';
import { crc32, gunzipSync } from 'node:zlib';
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

/** Operations that tailrace calls. */
export type Operation = 'Scan' | 'DescribeTable' | 'BatchWriteItem' | 'CreateTable' | 'BatchGetItem';

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
/** A reply has at most a megabyte of items, which JSON makes at most some times as large. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
/** Clocks that are so near to each other agree. */
const SKEW_MS = 1_000;
/** Refusals are short; a page of this length costs nothing to parse. */
const REFUSAL_BYTES_MAX = 16 * 1024;

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
  readonly request: { body?: unknown };
}
interface HttpReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IncomingMessage;
}

export class ByteClient {
  readonly #sdk: Sdk;
  readonly #client: DynamoDBClient;
  readonly #limits: DynamoLimits;
  #skewMs = 0;
  /** Bodies of calls under way, by the input that stands for them. */
  readonly #calls = new WeakMap<object, Pick<ByteCall, 'body' | 'alloc'>>();

  private constructor(sdk: Sdk, config: DynamoDBClientConfig, limits: DynamoLimits) {
    this.#sdk = sdk;
    this.#limits = limits;
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
        const begun = Date.now();
        const { response } = await next(args);
        this.#skewMs = skewOf(response as HttpReply, begun) ?? this.#skewMs;
        const { alloc } = this.#calls.get((args as Sent).input) ?? {};
        const reply = await received(response as HttpReply, this.#limits, alloc);
        return { response, output: { $metadata: {}, reply } as unknown as ServiceOutputTypes };
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

  /** How far the service's clock is before ours, as its last reply says, and behind it if negative; 0 where they agree. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Sends a JSON body; gives the reply's body. Throws DynamoFailure, or the signal's reason. */
  async call({ operation, table, body, alloc, signal }: ByteCall): Promise<Buffer> {
    signal.throwIfAborted();
    const input = operation === 'BatchWriteItem' || operation === 'BatchGetItem' ? {} : { TableName: table };
    this.#calls.set(input, { body, ...(alloc === undefined ? {} : { alloc }) });
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

/**
 * By the reply's date, which leaves out what is less than a second and was written at some moment since the call began: 0
 * where both clocks may agree, else the least that the service's can be before ours.
 */
function skewOf({ headers }: HttpReply, begun: number): number | undefined {
  const date = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(date)) return undefined;
  const [least, most] = [date - Date.now(), date + 1_000 - begun];
  return least > SKEW_MS || most < -SKEW_MS ? least : 0;
}

/** The whole body of a good reply; throws for any other. */
async function received(response: HttpReply, limits: DynamoLimits, alloc?: ByteCall['alloc']): Promise<Buffer> {
  const { statusCode, headers } = response;
  const sent = await bodyOf(response, limits, alloc);
  const body = unpacked(sent, headers['content-encoding']);
  if (statusCode < 200 || statusCode >= 300 || isRefusal(body)) throw refusalOf(body, response);
  const stated = headers['x-amz-crc32'];
  // It is of the bytes as DynamoDB sent them; what stands between may have packed them since.
  if (stated !== undefined && Number(stated) !== crc32(sent) && (body === sent || Number(stated) !== crc32(body)))
    throw new DynamoFailure(CRC, `a body of ${sent.length} bytes has another checksum than its reply says`);
  return body;
}

async function bodyOf(
  { headers, body }: HttpReply,
  { replyTimeoutMs, bytesPerSecondMin }: DynamoLimits,
  alloc?: ByteCall['alloc'],
): Promise<Buffer> {
  const stated = Number(headers['content-length'] ?? Number.NaN);
  const whole = alloc !== undefined && stated <= REPLY_BYTES_MAX ? alloc(stated) : undefined;
  const chunks: Buffer[] = [];
  const begun = performance.now();
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (whole === undefined) chunks.push(chunk);
      else chunk.copy(whole, bytes);
      bytes += chunk.length;
      if (bytes > REPLY_BYTES_MAX) throw new DynamoFailure(CUT, `a body has more than ${REPLY_BYTES_MAX} bytes`);
      // Silence ends a call by itself; one byte now and then would hold it for days.
      const ms = performance.now() - begun;
      if (ms > replyTimeoutMs && bytes !== stated && bytes < (ms * bytesPerSecondMin) / 1000)
        throw new DynamoFailure(CUT, `a body brought ${bytes} bytes in ${Math.round(ms / 1000)} s`);
    }
  } catch (thrown) {
    body.destroy();
    if (thrown instanceof DynamoFailure) throw thrown;
    throw new DynamoFailure(CUT, `a body broke off after ${bytes} bytes`);
  }
  if (!Number.isNaN(stated) && stated !== bytes)
    throw new DynamoFailure(CUT, `a body of ${stated} bytes ended after ${bytes}`);
  if (whole !== undefined) return whole;
  return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, bytes);
}

/** A body as the service wrote it. Nobody asks for a packed one, but what stands between may pack it. */
function unpacked(body: Buffer, encoding = 'identity'): Buffer {
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip')
    throw new DynamoFailure(CUT, `a body is packed in a way that nobody asked for (${encoding})`);
  try {
    return gunzipSync(body, { maxOutputLength: REPLY_BYTES_MAX });
  } catch {
    throw new DynamoFailure(CUT, `a body of ${body.length} bytes cannot be unpacked`);
  }
}

/** An error whose status says that there is none, as what stands between may make of it. */
function isRefusal(body: Buffer): boolean {
  if (body.length > REFUSAL_BYTES_MAX || !body.includes('"__type"')) return false;
  return typeof toldIn(body)['__type'] === 'string';
}

/** `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"…"}`; from what lies between, anything. */
function refusalOf(body: Buffer, response: HttpReply): DynamoFailure {
  const told = toldIn(body);
  const type = typeof told['__type'] === 'string' ? told['__type'] : `HTTP ${response.statusCode}`;
  const text = told['message'] ?? told['Message'];
  const code = type.slice(type.lastIndexOf('#') + 1).split(':')[0] ?? type;
  const message = typeof text === 'string' ? text : `the service answered with HTTP ${response.statusCode}`;
  return new DynamoFailure(code, message, response.statusCode, response);
}

function toldIn(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : {};
  } catch {
    // A proxy's page.
    return {};
  }
}
