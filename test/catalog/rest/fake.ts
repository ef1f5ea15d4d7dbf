/** A REST catalog in this process that can be told to behave as others do: shy of staging, with prefixes, with credentials. */
import { randomUUID } from 'node:crypto';
import { WIDE_KEYS } from '../../../src/catalog/metadata/json.ts';
import { parseWide, printWide } from '../../../src/catalog/metadata/wide-json.ts';
import type { IcebergSchema, TableMetadata } from '../../../src/catalog/metadata/wire.ts';
import { meets, type Requirement, type TableUpdate } from '../../../src/catalog/rest/changes.ts';
import { type Answer, type Asked, type RestProxy, startRestProxy } from '../../servers/rest-proxy.ts';
import { applied, NOTHING } from './apply.ts';

interface Table {
  readonly metadata: TableMetadata;
  readonly location: string;
}

export class FakeCatalog {
  /** What /v1/config says. */
  config: Readonly<Record<string, unknown>> = { defaults: {}, overrides: {} };
  /** What stands before `namespaces/`. */
  prefix = 'v1';
  separator = '\u001f';
  /** AWS's endpoints: no staging, and no commit that creates. */
  staging = true;
  /** Column ids of a new table are given anew. */
  renumbers = false;
  /** `snapshots=refs` leaves former snapshots out of the answer to a load. */
  leavesOut = true;
  /** Answers that have an ETag; `own`: that of a commit is another one than that of a load. */
  etags: 'none' | 'loads' | 'all' | 'own' = 'none';
  /** What comes with a table: `config` and `storage-credentials`. */
  vends: (path: string) => Readonly<Record<string, unknown>> = () => ({});
  readonly tables = new Map<string, Table>();
  readonly namespaces = new Set<string>();
  readonly warehouse: string;
  #proxy: RestProxy | undefined;
  #commits = 0;

  constructor(warehouse: string) {
    this.warehouse = warehouse;
  }

  /** Starts listening; `guard` sees every request first. */
  async start(guard: (asked: Asked) => Answer | undefined = () => undefined): Promise<RestProxy> {
    const proxy = await startRestProxy();
    proxy.lie = async (asked) => guard(asked) ?? this.answer(asked);
    this.#proxy = proxy;
    return proxy;
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
  }

  answer({ method, path, body, headers }: Asked): Answer {
    const url = new URL(path, 'http://x');
    if (url.pathname.endsWith('/v1/config')) return ok(this.config);
    const parts = url.pathname.slice(1).split('/').map(decodeURIComponent);
    const at = parts.indexOf('namespaces');
    if (parts.slice(0, at).join('/') !== this.prefix) return refused(404, 'NoSuchRoute', url.pathname);
    const [, namespace, kind, name] = parts.slice(at);
    const asked = (body === '' ? {} : parseWide(body, WIDE_KEYS)) as Readonly<Record<string, unknown>>;
    if (namespace === undefined) return this.#namespace(method, asked, url.searchParams);
    if (kind === undefined)
      return this.namespaces.has(namespace) ? ok({ namespace: [] }) : refused(404, 'NoSuchNamespace', namespace);
    if (name !== undefined) {
      const told = this.#table(method, `${namespace} ${name}`, path, asked);
      const place = this.tables.get(`${namespace} ${name}`)?.location;
      const has = this.etags !== 'none' && (method === 'GET' || this.etags !== 'loads');
      if (!has || place === undefined || told.status !== 200) return told;
      const etag = `"${place}${method === 'POST' && this.etags === 'own' ? ' of a commit' : ''}"`;
      return headers['if-none-match'] === etag ? { status: 304, body: '' } : { ...told, headers: { etag } };
    }
    if (method === 'GET') return this.#list(namespace, url.searchParams.get('pageToken') ?? '');
    if (!this.namespaces.has(namespace)) return refused(404, 'NoSuchNamespace', namespace);
    return this.#create(namespace, path, asked);
  }

  #namespace(method: string, asked: Readonly<Record<string, unknown>>, query: URLSearchParams): Answer {
    if (method === 'POST') {
      this.namespaces.add((asked['namespace'] as string[]).join(this.separator));
      return ok(asked);
    }
    const parent = query.get('parent');
    const depth = parent === null ? 1 : parent.split(this.separator).length + 1;
    const all = [...this.namespaces].map((text) => text.split(this.separator));
    const found = all.filter(
      (parts) => parent === null || parts.join(this.separator).startsWith(parent + this.separator),
    );
    const names = new Set(
      found.filter((parts) => parts.length >= depth).map((parts) => parts.slice(0, depth).join('\0')),
    );
    return ok({ namespaces: [...names].map((text) => text.split('\0')) });
  }

  /** Two a page. */
  #list(namespace: string, token: string): Answer {
    const names = [...this.tables.keys()]
      .filter((key) => key.startsWith(`${namespace} `))
      .map((key) => key.split(' ')[1]);
    const from = Number(token === '' ? 0 : token);
    const more = from + 2 < names.length;
    return ok({
      identifiers: names.slice(from, from + 2).map((name) => ({ namespace: [namespace], name })),
      'next-page-token': more ? String(from + 2) : null,
    });
  }

  #create(namespace: string, path: string, asked: Readonly<Record<string, unknown>>): Answer {
    const name = String(asked['name']);
    const key = `${namespace} ${name}`;
    if (asked['stage-create'] === true && !this.staging)
      return refused(400, 'BadRequest', 'Stage create is not supported');
    if (this.tables.has(key)) return refused(409, 'AlreadyExists', name);
    const metadata: TableMetadata = {
      ...NOTHING,
      'table-uuid': randomUUID(),
      location: String(asked['location'] ?? `${this.warehouse}/${namespace}/${name}-${randomUUID().slice(0, 8)}`),
      schemas: [{ ...(asked['schema'] as IcebergSchema), 'schema-id': 0 }],
      'current-schema-id': 0,
      'last-column-id': (asked['schema'] as IcebergSchema).fields.length,
      'default-spec-id': 0,
      'partition-specs': [{ 'spec-id': 0, fields: [] }],
      'default-sort-order-id': 0,
      'sort-orders': [{ 'order-id': 0, fields: [] }],
      properties: asked['properties'] as Record<string, string>,
    };
    if (asked['stage-create'] === true) return ok({ 'metadata-location': null, metadata, ...this.vends(path) });
    return this.#told(this.#put(key, metadata), path);
  }

  #table(method: string, key: string, path: string, asked: Readonly<Record<string, unknown>>): Answer {
    const there = this.tables.get(key);
    if (method === 'GET') {
      if (there === undefined) return refused(404, 'NoSuchTable', key);
      const brief = this.leavesOut && new URL(path, 'http://x').searchParams.get('snapshots') === 'refs';
      return this.#told(brief ? { ...there, metadata: referenced(there.metadata) } : there, path);
    }
    const requirements = asked['requirements'] as Requirement[];
    const creates = requirements.some(({ type }) => type === 'assert-create');
    if (creates && !this.staging) return refused(400, 'BadRequest', 'assert-create is not supported');
    if (there === undefined && !creates) return refused(404, 'NoSuchTable', key);
    const broken = requirements.find((requirement) => !meets(there?.metadata, requirement));
    if (broken !== undefined) return refused(409, 'CommitFailed', broken.type);
    const next = applied(there?.metadata ?? NOTHING, asked['updates'] as TableUpdate[]);
    return this.#told(this.#put(key, creates && this.renumbers ? renumbered(next) : next), path);
  }

  #put(key: string, metadata: TableMetadata): Table {
    this.#commits += 1;
    const table = { metadata, location: `${metadata.location}/metadata/${this.#commits}.metadata.json` };
    this.tables.set(key, table);
    return table;
  }

  #told({ metadata, location }: Table, path: string): Answer {
    return ok({ 'metadata-location': location, metadata, ...this.vends(path) });
  }
}

/** Without the snapshots that no branch and no tag names. */
function referenced(metadata: TableMetadata): TableMetadata {
  const ids = new Set(Object.values(metadata.refs ?? {}).map((ref) => ref['snapshot-id']));
  return { ...metadata, snapshots: (metadata.snapshots ?? []).filter((one) => ids.has(one['snapshot-id'])) };
}

function renumbered(metadata: TableMetadata): TableMetadata {
  const schemas = metadata.schemas.map((schema) => ({
    ...schema,
    fields: schema.fields.map((field) => ({ ...field, id: field.id + 100 })),
  }));
  return { ...metadata, schemas };
}

function ok(body: unknown): Answer {
  return { status: 200, body: printWide(body) };
}

export function refused(status: number, type: string, message: string): Answer {
  return { status, body: JSON.stringify({ error: { message, type, code: status } }) };
}
