/** A catalog in this process's memory: for tests, and the shortest example of one. Gone when the process ends. */
import { TailraceError } from '../../model/errors.ts';
import type { ExaminedFiles, ExamineOptions } from '../examination.ts';
import { plainUri } from '../paths.ts';
import type { Pointer, PointerStore } from '../pointer.ts';
import { pointerTable } from '../pointer.ts';
import type { Catalog, CatalogTable, ListedTable, OpenFiles, OpenTableOptions, TableName } from '../port.ts';

export interface MemoryCatalog extends Catalog {
  /** Drops a table; its files stay. */
  forget(name: TableName): void;
}

/** An empty catalog. `warehouse` is the URI of the folder that tables lie in, unless they are given a location. */
export function memoryCatalog(warehouse: string, openFiles: OpenFiles): MemoryCatalog {
  return new TablesInMemory(warehouse, openFiles);
}

class TablesInMemory implements MemoryCatalog {
  readonly type = 'memory';
  readonly #warehouse: string;
  readonly #openFiles: OpenFiles;
  readonly #namespaces = new Map<string, Map<string, Pointer>>();
  #swaps = 0;

  constructor(warehouse: string, openFiles: OpenFiles) {
    this.#warehouse = warehouse;
    this.#openFiles = openFiles;
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const tables = this.#tablesOf(name.namespace, options);
    if (tables === undefined || (options.purpose === 'read' && !tables.has(name.table))) return undefined;
    const pointer = this.#pointer(tables, name.table);
    const there = tables.get(name.table);
    const location = options.location ?? [this.#warehouse, ...name.namespace, name.table].join('/');
    const storage = await this.#openFiles(there?.metadataLocation ?? location);
    const found = await pointerTable({ name: '', storage, folder: '', pointer }).load();
    const folder = storage.key(plainUri(storage, found?.metadata.location ?? location));
    return pointerTable({ name: [...name.namespace, name.table].join('.'), storage, folder, pointer });
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const tables = this.#tablesOf(name.namespace, { ...options, purpose: 'write' });
    if (tables?.has(name.table)) throw new TailraceError('CATALOG', `There is a table ${name.table} already.`);
    tables?.set(name.table, this.#next(metadataLocation));
  }

  async examine(name: TableName, { findings, ...options }: ExamineOptions): Promise<ExaminedFiles | undefined> {
    const read = await findings.try('open the table', [], () => this.open(name, { ...options, purpose: 'read' }));
    const table = read?.value;
    return table && { storage: table.storage, location: table.storage.uri(table.folder) };
  }

  async namespaces(): Promise<readonly (readonly string[])[]> {
    return [...this.#namespaces.keys()].map((text) => text.split('.'));
  }

  async tables(namespace: readonly string[]): Promise<readonly ListedTable[]> {
    const tables = this.#namespaces.get(namespace.join('.')) ?? new Map<string, Pointer>();
    return [...tables.keys()].map((table) => ({ name: { namespace, table } }));
  }

  forget(name: TableName): void {
    this.#namespaces.get(name.namespace.join('.'))?.delete(name.table);
  }

  async close(): Promise<void> {}

  #tablesOf(namespace: readonly string[], options: OpenTableOptions): Map<string, Pointer> | undefined {
    const text = namespace.join('.');
    const known = this.#namespaces.get(text);
    if (known !== undefined || options.purpose === 'read') return known;
    if (options.createNamespace !== true)
      throw new TailraceError('CATALOG', `There is no namespace ${text}.`, {
        hint: '--create-namespace makes it.',
      });
    const made = new Map<string, Pointer>();
    this.#namespaces.set(text, made);
    return made;
  }

  #pointer(tables: Map<string, Pointer>, table: string): PointerStore {
    return {
      read: async () => tables.get(table),
      swap: async (from, { metadataLocation }) => {
        if (tables.get(table)?.token !== from?.token) return { kind: 'lost', reason: 'Another writer was first.' };
        tables.set(table, this.#next(metadataLocation));
        return { kind: 'swapped' };
      },
    };
  }

  #next(metadataLocation: string): Pointer {
    this.#swaps += 1;
    return { metadataLocation, token: String(this.#swaps) };
  }
}
