import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { AwsSettings } from '../../model/options.ts';
import type { S3Limits } from './limits.ts';

const ROLE_SESSION = 'tailrace';
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** The endpoint that calls go to, if it is not AWS's own. */
export function endpointOf(aws: AwsSettings): string | undefined {
  return aws.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
}

/** A client for S3. What the settings leave open follows AWS's own rules: environment, profile, machine role. */
export function makeClient(aws: AwsSettings, limits: S3Limits, maxAttempts: number): S3Client {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const client = new S3Client(configOf(aws, limits, maxAttempts));
  // The SDK's logger middleware takes most of the time of a small call even when nothing is logged.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}

function configOf(aws: AwsSettings, limits: S3Limits, maxAttempts: number): S3ClientConfig {
  const { socketsMax: maxSockets, connectTimeoutMs: connectionTimeout, idleTimeoutMs: socketTimeout } = limits;
  const agent = { keepAlive: true, maxSockets };
  const endpoint = endpointOf(aws);
  return {
    region: regionOf(aws),
    maxAttempts,
    retryMode: 'standard',
    followRegionRedirects: true,
    requestHandler: { connectionTimeout, socketTimeout, httpAgent: agent, httpsAgent: agent, logger: SILENT },
    ...(aws.profile !== undefined && { profile: aws.profile }),
    ...(aws.endpoint !== undefined && { endpoint: aws.endpoint }),
    ...(endpoint === undefined ? {} : otherStores()),
    ...(endpoint !== undefined && { forcePathStyle: true }),
    ...(aws.forcePathStyle !== undefined && { forcePathStyle: aws.forcePathStyle }),
    ...(aws.roleArn !== undefined && { credentials: roleCredentials(aws) }),
  };
}

// Many stores that speak S3 do not know its newer checksums; whoever's does can say so in AWS's variables.
function otherStores(): S3ClientConfig {
  return {
    ...(process.env.AWS_REQUEST_CHECKSUM_CALCULATION === undefined && {
      requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    }),
    ...(process.env.AWS_RESPONSE_CHECKSUM_VALIDATION === undefined && {
      responseChecksumValidation: 'WHEN_REQUIRED' as const,
    }),
  };
}

// The SDK knows the region of the environment and of the profile, but refuses to work without any.
function regionOf(aws: AwsSettings): string | (() => Promise<string>) {
  const known = aws.region ?? process.env.AWS_REGION;
  if (known !== undefined) return known;
  return async () => {
    const probe = new S3Client(aws.profile === undefined ? {} : { profile: aws.profile });
    const found = await probe.config.region().catch(() => undefined);
    probe.destroy();
    return found ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  };
}

type CredentialProvider = Extract<S3ClientConfig['credentials'], (...args: never) => unknown>;

// The package that assumes roles is loaded only where there is one to assume.
function roleCredentials(aws: AwsSettings): CredentialProvider {
  let provider: CredentialProvider | undefined;
  return async () => {
    if (!provider) {
      const { fromTemporaryCredentials, fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
      const { roleArn: RoleArn = '', externalId: ExternalId, profile } = aws;
      const region = regionOf(aws);
      provider = fromTemporaryCredentials({
        params: { RoleArn, RoleSessionName: ROLE_SESSION, ...(ExternalId !== undefined && { ExternalId }) },
        clientConfig: { region: typeof region === 'string' ? region : await region() },
        ...(profile !== undefined && { masterCredentials: fromNodeProviderChain({ profile }) }),
      });
    }
    return await provider();
  };
}
