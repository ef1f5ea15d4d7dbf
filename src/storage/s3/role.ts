import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { AwsSettings } from '../../model/options.ts';

const ROLE_SESSION = 'tailrace';

/** The region, where the settings leave it open: the SDK knows those of environment and profile, but refuses to do without. */
export function regionOf(aws: AwsSettings): string | (() => Promise<string>) {
  const known = aws.region ?? process.env.AWS_REGION;
  if (known !== undefined) return known;
  return async () => {
    const probe = new S3Client(aws.profile === undefined ? {} : { profile: aws.profile });
    const found = await probe.config.region().catch(() => undefined);
    probe.destroy();
    return found ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  };
}

/** What a client of any service takes as its credentials. */
export type CredentialProvider = Extract<S3ClientConfig['credentials'], (...args: never) => unknown>;

/** Credentials of the role that the settings name. The package that assumes roles is loaded when the first call needs it. */
export function roleCredentials(aws: AwsSettings): CredentialProvider {
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
