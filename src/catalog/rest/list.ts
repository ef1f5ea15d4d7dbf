/** Listings of a REST catalog, page by page. */
import type { ListedTable } from '../port.ts';
import { namespacePath, type RestConfig } from './config.ts';

type List = (path: string, query: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, unknown>>>;

/** A catalog whose namespaces contain themselves must end somewhere. */
const DEPTH_MAX = 16;

/** All namespaces, each before those within it. */
async function namespaces(config: RestConfig, list: List): Promise<readonly (readonly string[])[]> {
  const below = async (parent: readonly string[]): Promise<readonly (readonly string[])[]> => {
    const query: Record<string, string> = parent.length === 0 ? {} : { parent: parent.join(config.separator) };
    const found: (readonly string[])[] = [];
    for (const one of await pages(`${config.prefix}/namespaces`, query, 'namespaces', list)) {
      if (!isNamespace(one) || one.length !== parent.length + 1) continue;
      found.push(one, ...(one.length < DEPTH_MAX ? await below(one) : []));
    }
    return found;
  };
  return below([]);
}

/** The tables right in a namespace. */
async function tables(config: RestConfig, namespace: readonly string[], list: List): Promise<readonly ListedTable[]> {
  const found = await pages(`${namespacePath(config, namespace)}/tables`, {}, 'identifiers', list);
  return found.flatMap((one) => {
    const { name } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    return typeof name === 'string' ? [{ name: { namespace, table: name } }] : [];
  });
}

export const listAll = { namespaces, tables };

async function pages(
  path: string,
  query: Readonly<Record<string, string>>,
  member: string,
  list: List,
): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  // Empty: whoever knows pages begins with the first.
  for (let pageToken: unknown = ''; typeof pageToken === 'string'; ) {
    const body = await list(path, { ...query, pageToken });
    const some = body[member];
    if (Array.isArray(some)) all.push(...(some as readonly unknown[]));
    const next = body['next-page-token'];
    pageToken = next === '' ? undefined : next;
  }
  return all;
}

function isNamespace(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'string');
}
