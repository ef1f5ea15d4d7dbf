import { TailraceError } from '../../model/errors.ts';
import type { RunContext, SyncOptions } from '../../model/options.ts';
import type { CatalogInspection } from '../../model/report.ts';
import { openCatalog, parseCatalogName } from './catalogs.ts';

/** Namespaces whose tables are asked for at a time. */
const PARALLEL = 4;

/**
 * What a catalog holds, or one of its namespaces, when an end is `iceberg:<catalog>[.<namespace>]`; undefined for other
 * ends. A name of three parts and more is a namespace when there is one, and else left to be a table.
 */
export async function listCatalog(
  end: string,
  options: SyncOptions,
  context: RunContext,
): Promise<CatalogInspection | undefined> {
  const text = /^iceberg:([^/.~][^/]*)$/.exec(end)?.[1];
  if (text === undefined) return undefined;
  const { catalog: name, path } = parseCatalogName(text);
  const catalog = await openCatalog(name, options, (storage) => storage);
  try {
    const within = (namespace: readonly string[]): boolean => path.every((part, i) => namespace[i] === part);
    const namespaces = (await catalog.namespaces()).filter(within);
    if (namespaces.length === 0 && path.length > 1) return undefined;
    if (namespaces.length === 0 && path.length === 1) throw noNamespace(name, path.join('.'));
    context.log('info', 'found namespaces', { catalog: name, namespaces: namespaces.length });
    const tables: CatalogInspection['tables'][number][] = [];
    for (let at = 0; at < namespaces.length; at += PARALLEL) {
      context.signal.throwIfAborted();
      const some = namespaces.slice(at, at + PARALLEL).map((namespace) => catalog.tables(namespace));
      for (const { name: table, format } of (await Promise.all(some)).flat())
        tables.push({ namespace: table.namespace.join('.'), name: table.table, format: format ?? 'iceberg' });
    }
    return {
      kind: 'catalog',
      catalog: name,
      type: catalog.type,
      namespaces: namespaces.map((namespace) => namespace.join('.')),
      tables,
      warnings: [],
    };
  } finally {
    await catalog.close();
  }
}

function noNamespace(catalog: string, namespace: string): TailraceError {
  return new TailraceError('CATALOG', `The catalog has no namespace ${namespace}.`, {
    place: catalog,
    hint: `tailrace inspect iceberg:${catalog} lists what it has.`,
  });
}
