/** An Iceberg REST catalog: names, locations and access to files. What a table does is in table.ts. */
import type { RestSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';
import type { ExaminedFiles, ExamineOptions } from '../examination.ts';
import { plainUri } from '../paths.ts';
import type {
  Catalog,
  CatalogTable,
  Credentials,
  FileAccess,
  ListedTable,
  OpenFiles,
  OpenTableOptions,
  TableName,
} from '../port.ts';
import { renewed, vendedAccess } from './access.ts';
import { openAuth } from './auth/open.ts';
import { loadConfig, namespacePath, type RestConfig, tablePath } from './config.ts';
import { jsonOf, messageOf, noReplyError, refusalOf } from './errors.ts';
import { examineRest } from './examine.ts';
import { type CallOptions, RestClient, type RestReply, type RestRequest } from './http.ts';
import { REST_LIMITS, type RestLimits } from './limits.ts';
import { listAll } from './list.ts';
import { stateOf, WHOLE } from './looks.ts';
import { fullName, isPending, PENDING } from './names.ts';
import { restTable } from './table.ts';

/** Opens a REST catalog; the first call goes to it with the first use. `name`: as the user calls it. */
export function restCatalog(
  name: string,
  settings: RestSettings,
  openFiles: OpenFiles,
  limits: Partial<RestLimits> = {},
): Catalog {
  return new RestCatalog(name, settings, openFiles, { ...REST_LIMITS, ...limits });
}

/** A reply that tells of a table: one that is there, or one that was prepared. */
interface Told {
  readonly body: Readonly<Record<string, unknown>>;
  readonly prepared: boolean;
  /** Of a table that is there. */
  readonly etag?: string | null;
}

class RestCatalog implements Catalog {
  readonly type = 'rest';
  readonly #name: string;
  readonly #settings: RestSettings;
  readonly #openFiles: OpenFiles;
  readonly #client: RestClient;
  #config: Promise<RestConfig> | undefined;

  constructor(name: string, settings: RestSettings, openFiles: OpenFiles, limits: RestLimits) {
    this.#name = name;
    this.#settings = settings;
    this.#openFiles = openFiles;
    const auth = openAuth(settings.auth, settings.uri, limits);
    this.#client = new RestClient(settings.uri, auth, settings.headers ?? {}, limits);
  }

  async open(name: TableName, options: OpenTableOptions): Promise<CatalogTable | undefined> {
    const there = await this.#load(name);
    if (there === undefined && options.purpose === 'read') return undefined;
    const told = there ?? (await this.#prepare(name, options));
    const place = this.#placeOf(name);
    const state = stateOf(told.body, place);
    if (state === undefined) throw new TailraceError('CATALOG', 'The catalog gave no metadata.', { place });
    if (options.purpose === 'read' && isPending(state.metadata)) return undefined;
    // Not every catalog heeds the place that was asked for when it prepares a table; the first commit says it again.
    const location = told.prepared ? (options.location ?? state.metadata.location) : state.metadata.location;
    if (isPending(state.metadata)) refuseOtherPlace(location, options.location, place);
    const storage = await this.#openFiles(location, this.#accessOf(name, told, location, options));
    return restTable({
      config: await this.#configured(),
      name,
      storage,
      folder: storage.key(plainUri(storage, location)).replace(/\/+$/, ''),
      assigned: options.location === undefined,
      staged: told.prepared ? { ...state.metadata, location } : undefined,
      seen: told.prepared ? undefined : { state, etag: told.etag ?? undefined },
    });
  }

  async register(
    name: TableName,
    metadataLocation: string,
    options: Pick<OpenTableOptions, 'createNamespace'> = {},
  ): Promise<void> {
    const config = await this.#configured();
    await this.#ensureNamespace(name.namespace, options.createNamespace === true);
    const body = JSON.stringify({ name: name.table, 'metadata-location': metadataLocation });
    const what = `register ${this.#placeOf(name)}`;
    const reply = await this.#call('POST', `${namespacePath(config, name.namespace)}/register`, what, { body });
    if (reply.status === 200) return;
    // A retry may have met its own success.
    const there = reply.status === 409 ? await this.#load(name) : undefined;
    if (stateOf(there?.body, what)?.metadataLocation !== metadataLocation)
      throw refusalOf(reply, what, metadataLocation);
  }

  async examine(name: TableName, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
    const place = this.#placeOf(name);
    const opened: OpenTableOptions = { ...options, purpose: 'read' };
    const parts = {
      name,
      place,
      openFiles: this.#openFiles,
      configured: () => this.#configured(),
      load: async () => (await this.#load(name))?.body,
      stage: (location: string | undefined) => this.#create(name, location, true),
      refusesStaging,
      bodyOf: (reply: RestReply, what: string) => bodyOf(reply, what, place),
      accessOf: (body: Told['body'], prepared: boolean, location: string) =>
        this.#accessOf(name, { body, prepared }, location, opened),
      call: (method: RestRequest['method'], path: string, what: string, options?: CallOptions) =>
        this.#call(method, path, what, options),
      noNamespace: () => this.#noNamespace(name.namespace),
    };
    return examineRest(parts, options);
  }

  async namespaces(): Promise<readonly (readonly string[])[]> {
    return listAll.namespaces(await this.#configured(), (path, query) => this.#list(path, query));
  }

  async tables(namespace: readonly string[]): Promise<readonly ListedTable[]> {
    return listAll.tables(await this.#configured(), namespace, (path, query) => this.#list(path, query));
  }

  async close(): Promise<void> {}

  async #configured(): Promise<RestConfig> {
    this.#config ??= loadConfig(this.#client, this.#settings.warehouse);
    try {
      return await this.#config;
    } catch (thrown) {
      this.#config = undefined;
      throw thrown;
    }
  }

  /** Undefined: it is not there. */
  async #load(name: TableName): Promise<Told | undefined> {
    const what = `load the table ${this.#placeOf(name)}`;
    const options = { ...this.#delegated(), ...WHOLE };
    const reply = await this.#call('GET', tablePath(await this.#configured(), name), what, options);
    if (reply.status === 404) return undefined;
    return { body: bodyOf(reply, what, this.#placeOf(name)), prepared: false, etag: reply.headers.get('etag') };
  }

  /** Has a table's place prepared: without creating it where the catalog can do so, else by creating it empty. */
  async #prepare(name: TableName, options: OpenTableOptions): Promise<Told> {
    await this.#ensureNamespace(name.namespace, options.createNamespace === true);
    const staged = await this.#create(name, options.location, true);
    if (staged.status === 200) return { body: bodyOf(staged, 'prepare a table', this.#placeOf(name)), prepared: true };
    if (staged.status === 409) return this.#loadAgain(name, staged);
    if (!refusesStaging(staged)) throw refusalOf(staged, `create ${this.#placeOf(name)}`, this.#placeOf(name));
    const empty = await this.#create(name, options.location, false);
    if (empty.status === 409) return this.#loadAgain(name, empty);
    return { body: bodyOf(empty, `create ${this.#placeOf(name)}`, this.#placeOf(name)), prepared: false };
  }

  async #loadAgain(name: TableName, reply: RestReply): Promise<Told> {
    const told = await this.#load(name);
    if (told !== undefined) return told;
    throw refusalOf(reply, `create ${this.#placeOf(name)}`, this.#placeOf(name));
  }

  async #create(name: TableName, location: string | undefined, staged: boolean): Promise<RestReply> {
    // Columns are not known yet. Not every catalog takes a table without any.
    const pending = [{ id: 1, name: 'pending', required: false, type: 'string' }];
    const body = JSON.stringify({
      name: name.table,
      ...(location === undefined ? {} : { location }),
      schema: { type: 'struct', 'schema-id': 0, fields: staged ? [] : pending },
      'stage-create': staged,
      properties: { 'format-version': '2', ...(staged ? {} : { [PENDING]: 'true' }) },
    });
    const path = `${namespacePath(await this.#configured(), name.namespace)}/tables`;
    return this.#call('POST', path, `create ${this.#placeOf(name)}`, { ...this.#delegated(), body });
  }

  async #ensureNamespace(namespace: readonly string[], create: boolean): Promise<void> {
    const config = await this.#configured();
    const text = namespace.join('.');
    const what = `look for the namespace ${text}`;
    const there = await this.#call('GET', namespacePath(config, namespace), what);
    // Whoever may not look at it may still be allowed to create tables in it.
    if (there.status === 200 || there.status === 403) return;
    if (there.status !== 404) throw refusalOf(there, what, this.#name);
    if (!create) throw this.#noNamespace(namespace);
    const body = JSON.stringify({ namespace, properties: {} });
    const made = await this.#call('POST', `${config.prefix}/namespaces`, `create the namespace ${text}`, { body });
    if (made.status !== 200 && made.status !== 409) throw refusalOf(made, `create the namespace ${text}`, this.#name);
  }

  #accessOf(name: TableName, { body, prepared }: Told, location: string, options: OpenTableOptions): FileAccess {
    if (this.#settings.credentials === 'own') return {};
    const place = this.#placeOf(name);
    const { access, credentials } = vendedAccess(body, location, place);
    if (credentials === undefined) return access;
    const again = async (): Promise<Credentials | undefined> => {
      const told =
        (await this.#load(name)) ?? (prepared ? await this.#prepare(name, { ...options, location }) : undefined);
      return told === undefined ? undefined : vendedAccess(told.body, location, place).credentials;
    };
    return { ...access, credentials: renewed(credentials, again) };
  }

  #delegated(): CallOptions {
    return this.#settings.credentials === 'own'
      ? {}
      : { headers: { 'x-iceberg-access-delegation': 'vended-credentials' } };
  }

  async #list(path: string, query: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
    const what = 'list what it holds';
    return bodyOf(await this.#call('GET', path, what, { query }), what, this.#name);
  }

  async #call(
    method: RestRequest['method'],
    path: string,
    what: string,
    options: CallOptions = {},
  ): Promise<RestReply> {
    const { client } = await this.#configured();
    return client.call(method, path, options).catch((thrown: unknown) => {
      throw noReplyError(thrown, what, this.#name);
    });
  }

  #placeOf(name: TableName): string {
    return `${this.#name}.${fullName(name)}`;
  }

  #noNamespace(namespace: readonly string[]): TailraceError {
    return new TailraceError('CATALOG', `The catalog has no namespace ${namespace.join('.')}.`, {
      place: this.#name,
      hint: '--create-namespace makes it with the first load.',
    });
  }
}

/** A table that had to be created to have a place cannot be moved. */
function refuseOtherPlace(location: string, wanted: string | undefined, place: string): void {
  const plain = (uri: string): string =>
    uri
      .replace(/^s3[an]:/, 's3:')
      .replace(/^file:\/*(?=\/)/, '')
      .replace(/\/+$/, '');
  if (wanted === undefined || plain(wanted) === plain(location)) return;
  throw new TailraceError('CATALOG', 'The catalog does not let a table lie where --location says.', {
    place,
    expected: wanted,
    found: location,
    hint: 'Leave out --location.',
  });
}

function bodyOf(reply: RestReply, what: string, place: string): Readonly<Record<string, unknown>> {
  const body = reply.status === 200 ? jsonOf(reply) : undefined;
  if (body === undefined) throw refusalOf(reply, what, place);
  return body;
}

/** Glue and S3 Tables say 400 and “Stage create is not supported”, others 406 or 501. */
function refusesStaging(reply: RestReply): boolean {
  return [405, 406, 501].includes(reply.status) || (reply.status === 400 && /stage/i.test(messageOf(reply)));
}
