import type { AwsSettings } from './aws.ts';

/** How a REST catalog is told who calls. Secrets are named by the environment variables that hold them. */
export type RestAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly tokenEnv: string }
  | {
      readonly kind: 'oauth2';
      /** Absent: the catalog's own `/v1/oauth/tokens`. */
      readonly serverUri?: string;
      readonly clientId?: string;
      readonly clientSecretEnv: string;
      readonly scope?: string;
      readonly audience?: string;
      readonly resource?: string;
    }
  | { readonly kind: 'sigv4'; readonly service: string; readonly aws: AwsSettings };

/** An Iceberg REST catalog. */
export interface RestSettings {
  readonly type: 'rest';
  /** Without `/v1`. */
  readonly uri: string;
  /** What the catalog calls the warehouse: a name, a location or an ARN. */
  readonly warehouse?: string;
  readonly auth: RestAuth;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the catalog is asked for credentials of the files, or the target's own are used. */
  readonly credentials: 'vended' | 'own';
}

/** AWS Glue's Data Catalog, by its own API. */
export interface GlueSettings {
  readonly type: 'glue';
  readonly aws: AwsSettings;
  /** The account whose catalog it is; absent: the caller's own. */
  readonly catalogId?: string;
  /** URI of the folder that databases without a location have theirs in. */
  readonly warehouse?: string;
}

/** A catalog of tailrace.yaml, by its type. */
export type CatalogSettings = RestSettings | GlueSettings;
