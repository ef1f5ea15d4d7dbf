/**
 * A table of a REST catalog, which makes the metadata itself: a commit tells it what differs between two states, and
 * under which requirements. The requirements are the comparison: whatever is sent twice, or late, takes effect at most
 * once, because the first time ends what the second one requires.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { printWide } from '../metadata/wide-json.ts';
import type { IcebergSchema, IcebergType, TableMetadata } from '../metadata/wire.ts';
import type { CatalogOutcome, CatalogState, CatalogTable, Holds, TableName } from '../port.ts';
import { changesOf, meets, type TableChanges } from './changes.ts';
import { type RestConfig, tablePath } from './config.ts';
import { messageOf, refusalOf } from './errors.ts';
import { NoReply, type RestReply } from './http.ts';
import { waitBefore } from './limits.ts';
import { type Seen, TableLooks } from './looks.ts';
import { fullName, isPending, prepared, withoutPending } from './names.ts';

export interface RestTableParts {
  readonly config: RestConfig;
  readonly name: TableName;
  readonly storage: Storage;
  readonly folder: string;
  readonly assigned: boolean;
  /** Metadata that the catalog prepared for the table's creation. */
  readonly staged: TableMetadata | undefined;
  /** The state in which the table was found. */
  readonly seen: Seen | undefined;
}

const STAGED = 'staged';

/** A table that is there, or that was prepared. */
export function restTable(parts: RestTableParts): CatalogTable {
  return new RestTable(parts);
}

/** What is known of a commit after its reply, or without one. */
type Sent =
  | { readonly kind: 'committed' }
  /** Nothing happened, and nothing of it will. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'unknown';
      readonly reason: string;
      readonly cause?: unknown;
      readonly retryAfter?: string | null;
    };

class RestTable implements CatalogTable {
  readonly name: string;
  readonly storage: Storage;
  readonly folder: string;
  readonly assigned: boolean;
  readonly currentOnly: boolean;
  readonly uniqueTokens = true;
  readonly #config: RestConfig;
  readonly #path: string;
  readonly #staged: TableMetadata | undefined;
  readonly #looks: TableLooks;

  constructor({ config, name, storage, folder, assigned, staged, seen }: RestTableParts) {
    this.name = fullName(name);
    this.storage = storage;
    this.folder = folder;
    this.assigned = assigned;
    this.currentOnly = config.currentOnly;
    this.#config = config;
    this.#path = tablePath(config, name);
    this.#staged = staged;
    this.#looks = new TableLooks(config.client, this.#path, this.name, seen);
  }

  async load(): Promise<CatalogState | undefined> {
    const there = await this.#looks.newest();
    // Created empty for a load that has not come to its first commit: there is no table yet.
    return there === undefined || isPending(there.metadata) ? undefined : there;
  }

  async ground(): Promise<CatalogState | undefined> {
    if (this.#staged !== undefined) return { metadata: prepared(this.#staged), metadataLocation: '', token: STAGED };
    const there = await this.#looks.newest();
    return there !== undefined && isPending(there.metadata) ? there : undefined;
  }

  attempt(base: CatalogState | undefined): string {
    if (base === undefined || base.token === STAGED) return 'v1';
    const { 'current-snapshot-id': snapshot, 'last-updated-ms': time } = base.metadata;
    // Not every catalog tells where the metadata lies.
    const text = `${base.metadataLocation} ${String(snapshot)} ${time}`;
    return `v-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
  }

  async commit(base: CatalogState | undefined, next: TableMetadata, holds: Holds): Promise<CatalogOutcome> {
    const created = base === undefined || base.token === STAGED;
    const changes = changesOf(created ? undefined : base.metadata, withoutPending(next));
    const { limits } = this.#config.client;
    // An earlier attempt whose end is not known: it might still take effect, whatever a later one is told.
    let doubt: Extract<Sent, { kind: 'unknown' }> | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const sent = await this.#send(changes);
      if (sent.kind === 'committed') {
        if (created) this.#checkIds(next);
        return sent;
      }
      if (sent.kind === 'unknown') doubt = sent;
      const settled = await this.#settle(doubt ?? sent, changes, holds);
      if (settled !== undefined) return settled;
      if (attempt >= limits.commitAttemptsMax) return unknown(doubt ?? sent);
      await sleep(waitBefore(attempt + 1, limits, sent.kind === 'unknown' ? sent.retryAfter : undefined));
    }
  }

  /** A catalog that numbers columns anew has made a table whose data files nobody can read. */
  #checkIds(next: TableMetadata): void {
    const made = this.#looks.last?.metadata;
    if (made === undefined || sameColumns(currentColumns(made), currentColumns(next))) return;
    throw new TailraceError(
      'CATALOG',
      'The catalog gave the columns of the new table other ids than its data files have.',
      {
        place: this.name,
        hint: 'Drop the table. In this catalog, make it empty with another tool, and load it with --adopt.',
      },
    );
  }

  async #send({ requirements, updates }: TableChanges): Promise<Sent> {
    const { client } = this.#config;
    const body = printWide({ requirements, updates });
    let reply: RestReply;
    try {
      reply = await client.once('POST', this.#path, { body, timeoutMs: client.limits.commitTimeoutMs });
    } catch (thrown) {
      if (!(thrown instanceof NoReply)) throw thrown;
      return { kind: 'unknown', reason: 'The reply to the commit was lost', cause: thrown };
    }
    const { status } = reply;
    if (status === 200 && this.#looks.remember(reply) !== undefined) return { kind: 'committed' };
    if (status === 409 || status === 404) return { kind: 'refused', reason: messageOf(reply) };
    // 429 says that nothing was done; it is looked at all the same.
    if (status === 200 || status === 429 || status >= 500) {
      const cause = new Error(messageOf(reply));
      return {
        kind: 'unknown',
        reason: `The catalog answered the commit with HTTP ${status}`,
        cause,
        retryAfter: reply.headers.get('retry-after'),
      };
    }
    throw refusalOf(reply, `commit to ${this.name}`, this.name);
  }

  /** Undefined: the table does not show the change, and might still come to. */
  async #settle(
    sent: Exclude<Sent, { kind: 'committed' }>,
    { requirements }: TableChanges,
    holds: Holds,
  ): Promise<CatalogOutcome | undefined> {
    let there: CatalogState | undefined;
    try {
      there = await this.#looks.newest();
    } catch (thrown) {
      const cause = sent.kind === 'unknown' ? sent.cause : thrown;
      return { kind: 'unknown', reason: `${reasonOf(sent)}, and the table cannot be read`, cause };
    }
    if (there !== undefined && !isPending(there.metadata) && holds(there)) return { kind: 'committed' };
    if (sent.kind === 'refused') return { kind: 'conflict', reason: sent.reason };
    const broken = requirements.find((requirement) => !meets(there?.metadata, requirement));
    if (broken === undefined) return undefined;
    return { kind: 'conflict', reason: `The table has moved on meanwhile (${broken.type}).` };
  }
}

function unknown(sent: Exclude<Sent, { kind: 'committed' }>): CatalogOutcome {
  const cause = sent.kind === 'unknown' ? sent.cause : undefined;
  return { kind: 'unknown', reason: `${reasonOf(sent)}, and the table does not show it yet`, cause };
}

function reasonOf({ reason }: { readonly reason: string }): string {
  return reason.replace(/\.$/, '');
}

function currentColumns(metadata: TableMetadata): IcebergSchema | undefined {
  return metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']);
}

/** Names and ids, at every depth; how a type is spelt does not matter. */
function sameColumns(a: IcebergSchema | undefined, b: IcebergSchema | undefined): boolean {
  const ids = (type: IcebergType): unknown => {
    if (typeof type === 'string') return '';
    if (type.type === 'struct') return type.fields.map((field) => [field.id, field.name, ids(field.type)]);
    if (type.type === 'list') return [type['element-id'], ids(type.element)];
    return [type['key-id'], type['value-id'], ids(type.value)];
  };
  return a !== undefined && b !== undefined && JSON.stringify(ids(a)) === JSON.stringify(ids(b));
}
