/**
 * The parameter `metadata_location` of a table in Glue, changed under two guards: it must still be what it was when the
 * change was prepared, and the entry must be at the version that it was seen at, which Glue itself compares. So however
 * often a change is sent, and however late one arrives, at most one takes place.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table } from '@aws-sdk/client-glue';
import { TailraceError } from '../../model/errors.ts';
import { failureOf } from '../../storage/s3/errors.ts';
import type { Pointer, PointerStore, SwapOutcome } from '../pointer.ts';
import type { CatalogState } from '../port.ts';
import type { GlueApi } from './client.ts';
import { glueError, isTaken, refusalOf } from './errors.ts';
import { metadataLocationOf, tableInput } from './input.ts';
import type { GlueLimits } from './limits.ts';
import type { GlueName } from './names.ts';

const MOVED: SwapOutcome = { kind: 'lost', reason: 'Another writer was first.' };

type Doubt = Extract<SwapOutcome, { readonly kind: 'unknown' }>;

/** The pointer of one table. `place` is the table's full name. */
export class GluePointer implements PointerStore {
  readonly #api: GlueApi;
  readonly #name: GlueName;
  readonly #place: string;
  readonly #limits: GlueLimits;
  /** The entry as it was read last. A change may be made from it: its version is compared. */
  #seen: Table | undefined;

  constructor(api: GlueApi, name: GlueName, place: string, limits: GlueLimits) {
    this.#api = api;
    this.#name = name;
    this.#place = place;
    this.#limits = limits;
  }

  /** The token is the location: a change of the entry alone, such as a comment, is none of the table. */
  async read(): Promise<Pointer | undefined> {
    const table = await this.#table();
    this.#seen = table;
    if (table === undefined) return undefined;
    const metadataLocation = metadataLocationOf(table, this.#place);
    return { metadataLocation, token: metadataLocation };
  }

  async swap(from: CatalogState | undefined, to: Omit<CatalogState, 'token'>): Promise<SwapOutcome> {
    let doubt: Doubt | undefined;
    let last: unknown;
    for (let attempt = 1; attempt <= this.#limits.swapAttemptsMax; attempt += 1) {
      if (attempt > 1) await this.#wait(attempt);
      let there: Table | undefined;
      try {
        there = (from === undefined ? undefined : this.#seen) ?? (await this.#table());
        this.#seen = undefined;
      } catch (thrown) {
        if (doubt !== undefined) return doubt;
        throw thrown;
      }
      const now = there === undefined ? undefined : metadataLocationOf(there, this.#place);
      if (now === to.metadataLocation) return { kind: 'swapped' };
      if (now !== from?.metadataLocation) return doubt ?? MOVED;
      if (there !== undefined && !there.VersionId) throw noVersion(this.#place);
      try {
        await this.#send(there, to);
        return { kind: 'swapped' };
      } catch (thrown) {
        last = thrown;
        const refusal = refusalOf(thrown);
        const noDatabase = there === undefined && refusal === 'raced' && !isTaken(thrown);
        if (refusal === 'refused' || noDatabase) {
          if (doubt !== undefined) return doubt;
          throw this.#error(thrown);
        }
        if (refusal === 'unclear') doubt = { kind: 'unknown', reason: lostReply(thrown), cause: this.#error(thrown) };
      }
    }
    if (doubt !== undefined) return doubt;
    if (refusalOf(last) === 'raced') return { kind: 'lost', reason: 'Glue says that another change is under way.' };
    throw this.#error(last);
  }

  async #send(there: Table | undefined, to: Omit<CatalogState, 'token'>): Promise<void> {
    const { database, table } = this.#name;
    const input = tableInput(table, there, to.metadata, to.metadataLocation);
    if (there === undefined) await this.#api.createTable(database, input);
    else await this.#api.updateTable(database, input, there.VersionId ?? '');
  }

  async #table(): Promise<Table | undefined> {
    try {
      return await this.#api.table(this.#name.database, this.#name.table);
    } catch (thrown) {
      throw glueError(thrown, 'read the table', this.#place);
    }
  }

  async #wait(attempt: number): Promise<void> {
    const ceiling = Math.min(this.#limits.backoffCapMs, this.#limits.backoffBaseMs * 2 ** (attempt - 2));
    await sleep(ceiling * (0.25 + 0.75 * Math.random()));
  }

  #error(thrown: unknown): TailraceError {
    return glueError(thrown, 'commit to the table', this.#place);
  }
}

function lostReply(thrown: unknown): string {
  const { code, status } = failureOf(thrown);
  return `Glue gave no clear answer to the commit (${code}${status === undefined ? '' : `, HTTP ${status}`})`;
}

/** Something that speaks Glue's language, but does not compare: a commit could undo another one. */
function noVersion(place: string): TailraceError {
  return new TailraceError('CATALOG', 'The catalog does not tell the version of its tables.', {
    place,
    expected: 'VersionId in the reply to GetTable',
    found: 'none',
    hint: 'Without it, one commit could undo another one: use another catalog, or AWS Glue itself.',
  });
}
