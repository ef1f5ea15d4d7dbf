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

/** A Hive Metastore, by its own Thrift API. */
export interface HiveSettings {
  readonly type: 'hive';
  /** `thrift://host:9083`; several with commas or spaces between them are tried in turn. */
  readonly uri: string;
  /** URI of the folder that new databases have theirs in; absent: the Metastore's own. */
  readonly warehouse?: string;
  /** Who calls. Absent: the Metastore is not told, and tables that are made belong to the user of this process. */
  readonly user?: string;
  /** New tables can be used by Hive itself, too. */
  readonly hiveEngine?: boolean;
  /** How long the lock of a table is waited for. */
  readonly lockTimeoutMs?: number;
}

/** A catalog of tailrace.yaml, by its type. */
export type CatalogSettings = RestSettings | GlueSettings | HiveSettings;
