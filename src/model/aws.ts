/** How one end reaches AWS or a store that speaks its language. */
export interface AwsSettings {
  readonly profile?: string;
  readonly region?: string;
  readonly roleArn?: string;
  readonly externalId?: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
}
