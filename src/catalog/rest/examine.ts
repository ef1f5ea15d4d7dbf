/** What a load will ask of a REST catalog, tried: see examination.ts. */
import { randomUUID } from 'node:crypto';
import type { TailraceError } from '../../model/errors.ts';
import type { ExaminedFiles, ExamineOptions } from '../examination.ts';
import { plainUri } from '../paths.ts';
import type { FileAccess, OpenFiles, TableName } from '../port.ts';
import { namespacePath, type RestConfig, tablePath } from './config.ts';
import { refusalOf } from './errors.ts';
import type { CallOptions, RestReply, RestRequest } from './http.ts';
import { stateOf } from './looks.ts';

type Body = Readonly<Record<string, unknown>>;

export interface RestParts {
  readonly name: TableName;
  /** The table's full name, for errors. */
  readonly place: string;
  readonly configured: () => Promise<RestConfig>;
  /** Undefined: it is not there. */
  readonly load: () => Promise<Body | undefined>;
  /** Has a table prepared without making it. */
  readonly stage: (location: string | undefined) => Promise<RestReply>;
  readonly refusesStaging: (reply: RestReply) => boolean;
  readonly bodyOf: (reply: RestReply, what: string) => Body;
  readonly accessOf: (body: Body, isNew: boolean, location: string) => FileAccess;
  readonly call: (
    method: RestRequest['method'],
    path: string,
    what: string,
    options?: CallOptions,
  ) => Promise<RestReply>;
  readonly noNamespace: () => TailraceError;
  readonly openFiles: OpenFiles;
}

const READ_ONLY = 'only reading was asked for';
/** For want of a permission, of a token, or of time. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 419, 429]);

/** Tries what a load of this table will ask. Undefined: it cannot be told where its files lie. */
export async function examineRest(parts: RestParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { configured, load, place } = parts;
  const { findings } = options;
  const reached = await findings.try('reach the catalog', [], configured, ({ client }) => client.uri);
  if (reached === undefined) return undefined;
  const loaded = await findings.try(
    'load the table',
    [],
    load,
    (body) => locationIn(body, place) ?? 'there is none yet',
  );
  if (loaded === undefined) return undefined;
  if (loaded.value === undefined) return newTable(parts, options);
  await tryCommit(parts, options);
  return openFound(parts, options, loaded.value, false);
}

/**
 * A commit of nothing to a table of another id: what is refused for the id is permitted. A table that is not there yet
 * cannot be asked about.
 */
async function tryCommit({ name, place, configured, call }: RestParts, options: ExamineOptions): Promise<void> {
  const what = 'commit to the table';
  if (options.readOnly) return options.findings.untried(what, READ_ONLY);
  const body = JSON.stringify({ requirements: [{ type: 'assert-table-uuid', uuid: randomUUID() }], updates: [] });
  const asked = async (): Promise<RestReply> => {
    const reply = await call('POST', tablePath(await configured(), name), what, { body });
    if (reply.status < 500 && !REFUSED.has(reply.status)) return reply;
    throw refusalOf(reply, what, place);
  };
  await options.findings.try(what, [], asked, ({ status }) =>
    status === 409
      ? 'permitted, and its requirements are compared; nothing was committed'
      : `not refused for want of a permission (HTTP ${status}); nothing was committed`,
  );
}

/** A table that is not there yet: its namespace, and whether it may be made, where the catalog can prepare one. */
async function newTable(parts: RestParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { name, place, stage, refusesStaging, bodyOf } = parts;
  const { findings } = options;
  const found = await findings.try('find the namespace', [], () => namespaceOf(parts, options));
  if (found === undefined) return undefined;
  if (!found.value)
    findings.untried(`create the namespace ${name.namespace.join('.')}`, 'it cannot be tried without doing it');
  const what = 'create the table';
  if (!found.value || options.readOnly) {
    findings.untried(what, found.value ? READ_ONLY : 'its namespace is not there yet');
    return undefined;
  }
  const prepared = await findings.try(
    what,
    [],
    async () => {
      const reply = await stage(options.location);
      return refusesStaging(reply) ? undefined : bodyOf(reply, `prepare ${place}`);
    },
    (body) =>
      body === undefined
        ? 'not tried: this catalog cannot prepare a table without making it'
        : `permitted at ${options.location ?? locationIn(body, place)}; it was not created`,
  );
  return prepared?.value && openFound(parts, options, prepared.value, true);
}

/** Whether it is there; it may be absent if it would be made. */
async function namespaceOf(parts: RestParts, options: ExamineOptions): Promise<boolean> {
  const what = `look for the namespace ${parts.name.namespace.join('.')}`;
  const reply = await parts.call('GET', namespacePath(await parts.configured(), parts.name.namespace), what);
  // Whoever may not look at it may still be allowed to create tables in it.
  if (reply.status === 200 || reply.status === 403) return true;
  if (reply.status !== 404) throw refusalOf(reply, what, parts.place);
  if (options.createNamespace !== true) throw parts.noNamespace();
  return false;
}

async function openFound(
  { place, accessOf, openFiles }: RestParts,
  { findings, location: wanted }: ExamineOptions,
  body: Body,
  isNew: boolean,
): Promise<ExaminedFiles | undefined> {
  const found = await findings.try(
    'get access to its files',
    [],
    async () => {
      const location = (isNew ? wanted : undefined) ?? locationIn(body, place) ?? '';
      const access = accessOf(body, isNew, location);
      const storage = await openFiles(location, access);
      const told = access.credentials === undefined ? 'with your own credentials' : 'with credentials of the catalog';
      return { storage, location: plainUri(storage, location).replace(/\/+$/, ''), told };
    },
    ({ told }) => told,
  );
  return found?.value;
}

function locationIn(body: Body | undefined, place: string): string | undefined {
  return stateOf(body, place)?.metadata.location;
}
