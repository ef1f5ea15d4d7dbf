/**
 * What was taken of a table lately, as CloudWatch counted it: the last resort for a share of what a table can give. It is
 * asked once, and whatever goes wrong only means that it is not known.
 */
import type { CapacityRate } from '../model/options.ts';
import { needsRecent, type Throughput } from '../pacing/rate.ts';
import type { DynamoAccess } from './api.ts';
import { configOf } from './client.ts';
import { DynamoFailure, failureOf } from './errors.ts';
import { DYNAMO_LIMITS } from './limits.ts';

/** The permission that it takes; CloudWatch knows no resources for it. */
export const CONSUMPTION_ACTION = 'cloudwatch:GetMetricStatistics';
const DAY_MS = 86_400_000;
/** Metrics of DynamoDB come by the minute; a day of these is one answer. */
const PERIOD_S = 300;
const WITHIN_MS = 5_000;
const TARGET = 'GraniteServiceVersion20100801.GetMetricStatistics';

/** The table's numbers, with what was taken of it lately, where the rate depends on that. */
export async function withRecent(
  access: DynamoAccess,
  {
    name,
    throughput,
    kind,
  }: { readonly name: string; readonly throughput: Throughput; readonly kind: 'Read' | 'Write' },
  asked: CapacityRate | undefined,
  signal: AbortSignal,
): Promise<Throughput> {
  if (!needsRecent(asked, throughput)) return throughput;
  try {
    const recent = await recentUnits(access, name, kind, signal);
    if (recent > 0) return { ...throughput, recent };
    return { ...throughput, recentUnknown: 'nothing was taken of it in the last day' };
  } catch (thrown) {
    signal.throwIfAborted();
    // What fetch throws tells nothing; its cause does.
    const cause = thrown instanceof TypeError ? thrown.cause : undefined;
    const { code } = failureOf(cause ?? thrown);
    const needs = /AccessDenied/.test(code) ? `, ${CONSUMPTION_ACTION} would allow it` : '';
    return { ...throughput, recentUnknown: `what was taken of it lately cannot be read (${code}${needs})` };
  }
}

/** Units a second in the busiest five minutes of the last day. Throws where CloudWatch does not tell. */
export async function recentUnits(
  access: DynamoAccess,
  table: string,
  kind: 'Read' | 'Write',
  signal: AbortSignal,
): Promise<number> {
  const now = Date.now();
  const body = JSON.stringify({
    Namespace: 'AWS/DynamoDB',
    MetricName: `Consumed${kind}CapacityUnits`,
    Dimensions: [{ Name: 'TableName', Value: table }],
    StartTime: Math.floor((now - DAY_MS) / 1000),
    EndTime: Math.floor(now / 1000),
    Period: PERIOD_S,
    Statistics: ['Sum'],
  });
  const reply = await signedCall(access, body, AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]));
  const { Datapoints: points = [] } = reply as { readonly Datapoints?: readonly { readonly Sum?: number }[] };
  const most = Math.max(0, ...points.map(({ Sum: sum = 0 }) => sum));
  return Math.round((most / PERIOD_S) * 10) / 10;
}

async function signedCall({ aws, region }: DynamoAccess, body: string, signal: AbortSignal): Promise<unknown> {
  const [sdk, { SignatureV4 }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@smithy/signature-v4'),
  ]);
  const client = new sdk.DynamoDBClient(await configOf(sdk, aws, region, DYNAMO_LIMITS));
  try {
    const { config } = client;
    const at = await config.region();
    const url = new URL(endpointOf(at, aws.endpoint));
    const signer = new SignatureV4({
      service: 'monitoring',
      region: at,
      credentials: config.credentials,
      sha256: config.sha256,
    });
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: '/',
      headers: { host: url.host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': TARGET },
      body,
    });
    // fetch sets the host itself, to the same.
    const { host: _, ...rest } = headers;
    return await sent(url, rest, body, signal);
  } finally {
    client.destroy();
  }
}

/** AWS's rules: the service's own variable, what the settings say, the variable of all services, the region's address. */
function endpointOf(region: string, own: string | undefined): string {
  const { AWS_ENDPOINT_URL_CLOUDWATCH: named, AWS_ENDPOINT_URL: all } = process.env;
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return named || own || all || `https://monitoring.${region}.${suffix}`;
}

async function sent(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let type: unknown;
  try {
    ({ __type: type } = JSON.parse(text) as { readonly __type?: unknown });
  } catch {
    // Something in between has answered.
  }
  const code = typeof type === 'string' ? type.slice(type.lastIndexOf('#') + 1) : `HTTP ${response.status}`;
  throw new DynamoFailure(code, 'CloudWatch refused the call', response.status);
}
