/**
 * Looks at a table. Its metadata names every snapshot, and the question is mostly whether a state that is known whole is
 * still the newest. An ETag answers it, of a load or of a commit; where the catalog gives none, it is asked for the table
 * without former snapshots (`snapshots=refs`), and only for all of it when that is another state. So what comes back is
 * always whole: commit ids and rollbacks are found in the history.
 */
import { checkMetadata } from '../metadata/json.ts';
import type { CatalogState } from '../port.ts';
import { jsonOf, noReplyError, refusalOf } from './errors.ts';
import type { CallOptions, RestClient, RestReply } from './http.ts';

/** A state as a reply told it. */
export interface Seen {
  readonly state: CatalogState;
  /** What the catalog calls the whole reply. */
  readonly etag: string | undefined;
}

/** All of a table. It is the default, but the reference server's ETag of a commit is that of this very question. */
export const WHOLE: Pick<CallOptions, 'query'> = { query: { snapshots: 'all' } };
/** With fewer snapshots all of them are asked for: a second call would cost more than they do. */
const LEAST_SNAPSHOTS = 20;

export class TableLooks {
  readonly #client: RestClient;
  readonly #path: string;
  readonly #name: string;
  #seen: Seen | undefined;
  /** Until it shows that the catalog does not know the parameter. */
  #knowsRefs = true;
  /** Until one shows that it does not stand for a state: not every catalog means the same by those of a commit. */
  #heedsEtags = true;

  constructor(client: RestClient, path: string, name: string, seen: Seen | undefined) {
    this.#client = client;
    this.#path = path;
    this.#name = name;
    this.#seen = seen;
  }

  /** The state that a reply told last; undefined: there was none in it. */
  get last(): CatalogState | undefined {
    return this.#seen?.state;
  }

  /** The newest state; undefined when there is no such table. */
  async newest(): Promise<CatalogState | undefined> {
    const seen = this.#seen;
    if (seen !== undefined && (await this.#isStill(seen))) return seen.state;
    const etag = this.#heedsEtags ? seen?.etag : undefined;
    const reply = await this.#get({ ...WHOLE, ...(etag === undefined ? {} : { headers: { 'if-none-match': etag } }) });
    if (reply.status === 304 && seen !== undefined) return seen.state;
    if (reply.status === 404) return undefined;
    const state = reply.status === 200 ? this.remember(reply) : undefined;
    if (state === undefined) throw this.#refusal(reply);
    if (etag !== undefined && seen !== undefined && sameState(state, seen.state)) this.#heedsEtags = false;
    return state;
  }

  /** The state that a reply to a load or a commit tells; undefined when it is no such reply. */
  remember(reply: RestReply): CatalogState | undefined {
    const state = stateOf(jsonOf(reply), this.#name);
    this.#seen = state && { state, etag: reply.headers.get('etag') ?? undefined };
    return state;
  }

  /** False: it has to be asked for as a whole. */
  async #isStill({ state, etag }: Seen): Promise<boolean> {
    const many = (state.metadata.snapshots?.length ?? 0) >= LEAST_SNAPSHOTS;
    if (etag !== undefined && this.#heedsEtags) return false;
    if (!this.#knowsRefs || !many || state.metadataLocation === '') return false;
    const reply = await this.#get({ query: { snapshots: 'refs' } });
    if (reply.status === 429 || reply.status >= 500) throw this.#refusal(reply);
    const now = reply.status === 200 ? stateOf(jsonOf(reply), this.#name) : undefined;
    const told = now?.metadata.snapshots?.length;
    if (now === undefined || told === state.metadata.snapshots?.length) this.#knowsRefs = false;
    return now !== undefined && sameState(now, state);
  }

  async #get(options: CallOptions): Promise<RestReply> {
    return this.#client.call('GET', this.#path, options).catch((thrown: unknown) => {
      throw noReplyError(thrown, `load the table ${this.#name}`, this.#name);
    });
  }

  #refusal(reply: RestReply): unknown {
    return refusalOf(reply, `load the table ${this.#name}`, this.#name);
  }
}

/** The state of a table in a reply of a catalog; undefined where it holds none. */
export function stateOf(body: Readonly<Record<string, unknown>> | undefined, place: string): CatalogState | undefined {
  const metadata = body?.['metadata'];
  if (metadata === undefined) return undefined;
  const location = body?.['metadata-location'];
  const metadataLocation = typeof location === 'string' ? location : '';
  return { metadata: checkMetadata(metadata, metadataLocation || place), metadataLocation, token: metadataLocation };
}

/** A metadata file never changes, so its place says it all; the rest is for a catalog that would tell a wrong one. */
function sameState(a: CatalogState, b: CatalogState): boolean {
  const [one, other] = [a.metadata, b.metadata];
  return (
    a.metadataLocation === b.metadataLocation &&
    one['table-uuid'] === other['table-uuid'] &&
    one['current-snapshot-id'] === other['current-snapshot-id'] &&
    one['last-sequence-number'] === other['last-sequence-number'] &&
    one['last-updated-ms'] === other['last-updated-ms']
  );
}
