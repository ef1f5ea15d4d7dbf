/**
 * A Parquet table's entry, brought to a state of the table. The entry is changed only while it is what was seen, so that
 * of two runs that show different states one looks again. Partitions are not compared: before they are touched the entry
 * says so, under a name that only this call has, and its last change requires that nobody else has said so since; whoever
 * finds that word left over begins anew.
 */
import { randomUUID } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { claimed, isClaimed, isClaimedBy, isProjected, rootOf, shownEntry, shows } from './entry.ts';
import { syncPartitions } from './partitions.ts';
import type { ShownState, ShownTable } from './port.ts';
import type { EntryChange, EntryService, SeenEntry } from './service.ts';

export interface EntryTableParts<E extends SeenEntry> {
  readonly service: EntryService<E>;
  /** The table's own name in the service. */
  readonly table: string;
  /** How people name it. */
  readonly place: string;
  readonly storage: Storage;
  readonly location: string;
  /** Undefined: as the entry has it. */
  readonly projection: boolean | undefined;
}

/** A table of plain files whose entry a service holds. */
export function entryTable<E extends SeenEntry>(parts: EntryTableParts<E>): ShownTable {
  return new EntryTable(parts);
}

class EntryTable<E extends SeenEntry> implements ShownTable {
  readonly name: string;
  readonly storage: Storage;
  readonly location: string;
  readonly #parts: EntryTableParts<E>;

  constructor(parts: EntryTableParts<E>) {
    this.name = parts.place;
    this.storage = parts.storage;
    this.location = parts.location;
    this.#parts = parts;
  }

  async show(state: ShownState): Promise<void> {
    const { service } = this.#parts;
    const claim = randomUUID();
    for (let failures = 0; ; ) {
      try {
        if (await this.#step(state, claim)) return;
      } catch (thrown) {
        failures += 1;
        if (thrown instanceof TailraceError || service.isFinal(thrown, failures)) throw service.error(thrown);
        await service.wait(failures);
      }
    }
  }

  /** One change of the entry, after a look at it; true when it shows the state. */
  async #step(state: ShownState, claim: string): Promise<boolean> {
    const { service, projection } = this.#parts;
    const there = await service.entry();
    if (there !== undefined) this.#refuseOther(there);
    const projected = state.partitionKeys.length > 0 && (projection ?? isProjected(there));
    const listed = state.partitionKeys.length > 0 && !projected;
    if (there === undefined) {
      await service.create(this.#entry(undefined, state, projected, listed ? claim : undefined));
      return !listed;
    }
    if (shows(there, state, projected)) return true;
    if (!listed && !isClaimed(there) && (there.partitionKeys.length === 0 || isProjected(there))) {
      await service.update(there, this.#entry(there, state, projected));
      return true;
    }
    return this.#withPartitions(there, state, claim, projected);
  }

  /** The same where there are partitions in the service, or may be. */
  async #withPartitions(there: E, state: ShownState, claim: string, projected: boolean): Promise<boolean> {
    const { service } = this.#parts;
    const { partitionKeys, partitions } = state;
    const listed = partitionKeys.length > 0 && !projected;
    if (!isClaimedBy(there, claim)) {
      await service.update(there, claimed(there, claim));
      return false;
    }
    if (there.partitionKeys.join('/') !== partitionKeys.join('/')) {
      await syncPartitions(service, state, [], this.name);
      await service.update(there, this.#entry(there, state, projected, listed ? claim : undefined));
      return !listed;
    }
    // Whoever goes over to projection must not find the table without partitions for a moment.
    if (projected && !isProjected(there)) {
      await service.update(there, this.#entry(there, state, projected, claim));
      return false;
    }
    await syncPartitions(service, state, listed ? partitions : [], this.name);
    await service.update(there, this.#entry(there, state, projected));
    return true;
  }

  #entry(there: E | undefined, state: ShownState, projected: boolean, claim?: string): EntryChange {
    return shownEntry(this.#parts.table, there, state, this.location, projected, claim);
  }

  /** Somebody else's table, or one of ours that lies elsewhere, under the same name. */
  #refuseOther(there: E): void {
    const { service } = this.#parts.service;
    const root = rootOf(there, service, this.name);
    if (root === this.location) return;
    throw new TailraceError('TARGET_BAD', `Under this name ${service} has another table by now.`, {
      place: this.name,
      expected: this.location,
      found: root,
      hint: 'Run again: the name then means the other table. To keep this one, give it another name.',
    });
  }
}
