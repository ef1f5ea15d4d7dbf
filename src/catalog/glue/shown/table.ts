/**
 * A Parquet table's entry in Glue, brought to a state of the table. The entry is changed at the version that it was seen
 * at, so that of two runs that show different states one looks again. Partitions know no versions: before they are
 * touched the entry says so, under a name that only this call has, and its last change requires that nobody else has
 * said so since; whoever finds that word left over begins anew.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Table, TableInput } from '@aws-sdk/client-glue';
import { TailraceError } from '../../../model/errors.ts';
import type { Storage } from '../../../storage/port.ts';
import type { ShownState, ShownTable } from '../../shown.ts';
import type { GlueApi } from '../client.ts';
import { withoutSlash } from '../databases.ts';
import { glueError, isAbsent, refusalOf } from '../errors.ts';
import type { GlueLimits } from '../limits.ts';
import type { GlueName } from '../names.ts';
import { claimed, isClaimed, isClaimedBy, isProjected, keysOf, rootOf, shownInput, shows } from './entry.ts';
import { syncPartitions } from './partitions.ts';

interface Parts {
  readonly api: GlueApi;
  readonly name: GlueName;
  readonly place: string;
  readonly storage: Storage;
  readonly location: string;
  /** Undefined: as the entry has it. */
  readonly projection: boolean | undefined;
}

export class GlueShownTable implements ShownTable {
  readonly name: string;
  readonly storage: Storage;
  readonly location: string;
  readonly #parts: Parts;
  readonly #limits: GlueLimits;

  constructor(parts: Parts, limits: GlueLimits) {
    this.name = parts.place;
    this.storage = parts.storage;
    this.location = parts.location;
    this.#parts = parts;
    this.#limits = limits;
  }

  async show(state: ShownState): Promise<void> {
    const claim = randomUUID();
    for (let failures = 0; ; ) {
      try {
        if (await this.#step(state, claim)) return;
      } catch (thrown) {
        failures += 1;
        const noDatabase = isAbsent(thrown) && failures > 1;
        const hopeless = thrown instanceof TailraceError || refusalOf(thrown) === 'refused' || noDatabase;
        if (hopeless || failures >= this.#limits.swapAttemptsMax)
          throw glueError(thrown, 'change the entry of the table', this.name);
        const ceiling = Math.min(this.#limits.backoffCapMs, this.#limits.backoffBaseMs * 2 ** failures);
        await sleep(ceiling * (0.25 + 0.75 * Math.random()));
      }
    }
  }

  /** One change of the entry, after a look at it; true when it shows the state. */
  async #step(state: ShownState, claim: string): Promise<boolean> {
    const { api, name, location, projection } = this.#parts;
    const there = await api.table(name.database, name.table);
    if (there !== undefined) this.#refuseOther(there);
    const projected = state.partitionKeys.length > 0 && (projection ?? isProjected(there));
    const listed = state.partitionKeys.length > 0 && !projected;
    if (there === undefined) {
      const input = shownInput(name.table, undefined, state, location, projected, listed ? claim : undefined);
      await api.createTable(name.database, input);
      return !listed;
    }
    if (shows(there, state, projected)) return true;
    if (!listed && !isClaimed(there) && (keysOf(there).length === 0 || isProjected(there))) {
      await this.#update(there, shownInput(name.table, there, state, location, projected));
      return true;
    }
    return this.#withPartitions(there, state, claim, projected);
  }

  /** The same where there are partitions in Glue, or may be. */
  async #withPartitions(there: Table, state: ShownState, claim: string, projected: boolean): Promise<boolean> {
    const { api, name, location } = this.#parts;
    const { partitionKeys, partitions } = state;
    const listed = partitionKeys.length > 0 && !projected;
    const next = (by?: string): TableInput => shownInput(name.table, there, state, location, projected, by);
    if (!isClaimedBy(there, claim)) {
      await this.#update(there, claimed(name.table, there, claim));
      return false;
    }
    if (keysOf(there).join('/') !== partitionKeys.join('/')) {
      await syncPartitions(api, name, state, []);
      await this.#update(there, next(listed ? claim : undefined));
      return !listed;
    }
    // Whoever goes over to projection must not find the table without partitions for a moment.
    if (projected && !isProjected(there)) {
      await this.#update(there, next(claim));
      return false;
    }
    await syncPartitions(api, name, state, listed ? partitions : []);
    await this.#update(there, next());
    return true;
  }

  async #update(there: Table, input: TableInput): Promise<void> {
    const version = there.VersionId;
    if (version === undefined || version === '') {
      throw new TailraceError('CATALOG', 'The catalog does not tell the version of its tables.', {
        place: this.name,
        expected: 'VersionId in the reply to GetTable',
        hint: 'Without it, one run could undo what another one shows: use another catalog, or AWS Glue itself.',
      });
    }
    await this.#parts.api.updateTable(this.#parts.name.database, input, version);
  }

  /** Somebody else's table, or one of ours that lies elsewhere, under the same name. */
  #refuseOther(there: Table): void {
    const root = withoutSlash(rootOf(there, this.name));
    if (root === this.location) return;
    throw new TailraceError('TARGET_BAD', 'Glue has another table under this name by now.', {
      place: this.name,
      expected: this.location,
      found: root,
      hint: 'Run again: the name then means the other table. To keep this one, give it another name.',
    });
  }
}
