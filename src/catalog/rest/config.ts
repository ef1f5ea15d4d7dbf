/** What a REST catalog says of itself, and of how its tables are addressed (`GET /v1/config`). */
import type { TableName } from '../port.ts';
import { jsonOf, noReplyError, refusalOf } from './errors.ts';
import type { RestClient } from './http.ts';

export interface RestConfig {
  /** The client at the address that the catalog wants to be called at. */
  readonly client: RestClient;
  /** What stands before `namespaces/…`. */
  readonly prefix: string;
  /** Between the parts of a namespace, in paths. */
  readonly separator: string;
  /** The catalog tells of a table's current snapshot alone. */
  readonly currentOnly: boolean;
  /** Undefined: the catalog does not say which calls it knows. */
  readonly endpoints: ReadonlySet<string> | undefined;
}

const UNIT_SEPARATOR = '\u001f';

/** Asks a catalog for its configuration; its overrides go before settings of ours, its defaults behind. */
export async function loadConfig(client: RestClient, warehouse: string | undefined): Promise<RestConfig> {
  const what = 'tell its configuration';
  const query = warehouse === undefined ? {} : { warehouse };
  const reply = await client.call('GET', 'v1/config', { query }).catch((thrown: unknown) => {
    throw noReplyError(thrown, what, client.uri);
  });
  const body = jsonOf(reply);
  if (reply.status !== 200 || body === undefined) throw refusalOf(reply, what, `${client.uri}/v1/config`);
  const settings = { ...texts(body['defaults']), ...texts(body['overrides']) };
  const { endpoints } = body;
  return {
    client: settings['uri'] === undefined ? client : client.at(settings['uri']),
    prefix: settings['prefix'] === undefined ? 'v1' : `v1/${encodePath(settings['prefix'])}`,
    separator: separatorOf(settings['namespace-separator']),
    currentOnly: settings['nessie.is-nessie-catalog'] === 'true',
    endpoints: Array.isArray(endpoints) ? new Set(endpoints.map(String)) : undefined,
  };
}

/** The path of a namespace's tables, or of the namespace itself. */
export function namespacePath({ prefix, separator }: RestConfig, namespace: readonly string[]): string {
  return `${prefix}/namespaces/${encodeURIComponent(namespace.join(separator))}`;
}

/** The path of a table. */
export function tablePath(config: RestConfig, { namespace, table }: TableName): string {
  return `${namespacePath(config, namespace)}/tables/${encodeURIComponent(table)}`;
}

/** Settings are texts; whatever else a catalog puts there is none of ours. */
export function texts(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function separatorOf(text: string | undefined): string {
  if (text === undefined) return UNIT_SEPARATOR;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Prefixes have slashes of their own (`catalogs/123456789012`). */
function encodePath(path: string): string {
  return path
    .replaceAll(/^\/+|\/+$/g, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
}
