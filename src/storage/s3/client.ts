import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { AwsSettings } from '../../model/options.ts';
import type { S3Limits } from './limits.ts';
import { type CredentialProvider, regionOf, roleCredentials } from './role.ts';

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** The endpoint that calls go to, if it is not AWS's own. */
export function endpointOf(aws: AwsSettings): string | undefined {
  return aws.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
}

/** A client for S3. What the settings leave open follows AWS's own rules: environment, profile, machine role. */
export function makeClient(
  aws: AwsSettings,
  limits: S3Limits,
  maxAttempts: number,
  credentials?: CredentialProvider,
): S3Client {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const client = new S3Client({
    ...configOf(aws, limits, maxAttempts),
    ...(credentials === undefined ? {} : { credentials }),
  });
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
