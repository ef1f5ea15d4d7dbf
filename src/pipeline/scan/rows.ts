/** The rows of one piece of a scan beside, or in place of, those of the table; and what the scan has seen until then. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TailraceError } from '../../model/errors.ts';
import type { LiveFile, ScanEntry, TableState } from '../../model/table.ts';
import type { Kept } from '../ends/keep.ts';
import type { LoadResult } from '../load/load.ts';
import { keepOneFile } from '../load/no-rows.ts';
import type { RunParts } from '../load/parts.ts';
import type { PreparedLoad } from '../load/prepare.ts';
import { type MergeInput, mergeChanges } from '../window/merge.ts';
import { holdsBack, refuseNewer } from './mode.ts';
import type { ScanPlan } from './plan.ts';
import { dropSeen, fetchSeen, keepSeen, NOTHING_SEEN, readSeen, type SeenIndex } from './seen.ts';
import { type MergedState, mergeItems, partitionsOf } from './state.ts';

/** A state of the table that a piece is put into. */
export interface Start {
  readonly base: TableState | undefined;
  readonly live: readonly LiveFile[];
}

export interface RowsInput {
  readonly plan: ScanPlan;
  /** What the table will hold of the scan. */
  readonly entry: ScanEntry;
  /** This is the last piece. */
  readonly complete: boolean;
  /** Absent where no item came. */
  readonly load: PreparedLoad | undefined;
  readonly loaded: LoadResult | undefined;
  readonly kept: Kept;
  readonly commitId: string;
}

export interface PlacedRows {
  readonly merged: MergedState;
  /** With what the table holds of the rows. */
  readonly entry: ScanEntry;
  /** Why rows without items stay. */
  readonly heldBack?: string;
}

const NOTHING: MergedState = {
  files: [],
  removed: [],
  removedDeletes: [],
  deletes: [],
  counts: { written: 0, deleted: 0, unchanged: 0 },
  own: [],
  rowsRemoved: 0,
};

/** One piece's way into the table; it may be tried again on a newer state. */
export class PieceRows {
  readonly #parts: RunParts;
  readonly #in: RowsInput;
  /** What this attempt has put beside the table. */
  #seen: ScanEntry['seen'];
  #before: SeenIndex = NOTHING_SEEN;

  constructor(parts: RunParts, input: RowsInput) {
    this.#parts = parts;
    this.#in = input;
  }

  async place(start: Start, attempt: number): Promise<PlacedRows> {
    const placed = await this.#place(start, attempt);
    const { rows: _, ...entry } = placed.entry;
    // Behind its last piece nobody asks how many rows there were.
    return this.#in.complete ? { ...placed, entry } : placed;
  }

  async #place(start: Start, attempt: number): Promise<PlacedRows> {
    const { plan, entry } = this.#in;
    if (plan.mode === undefined || plan.mode === 'append' || start.base === undefined) {
      const merged = await this.#append(start, attempt);
      return {
        merged,
        entry: plan.mode === undefined && plan.since === undefined ? entry : { ...entry, partial: true },
      };
    }
    refuseNewer(start.base, entry);
    return this.#match(start, plan.mode, attempt);
  }

  /** The piece is in the table: what it named before goes. */
  async done(before: ScanEntry['seen']): Promise<void> {
    await dropSeen(this.#parts.target, before, this.#in.complete ? this.#before : undefined);
  }

  /** The piece will not be in the table. */
  async giveUp(): Promise<void> {
    await dropSeen(this.#parts.target, this.#seen);
  }

  async #match(start: Start, mode: NonNullable<ScanPlan['mode']>, attempt: number): Promise<PlacedRows> {
    const { plan, entry, complete, kept } = this.#in;
    const { target, workDir, context, given } = this.#parts;
    const { signal } = context;
    const { filter } = kept.options.schema;
    // Whether a row may go is known when all was read, but keys are only worth keeping where one may.
    const never = mode === 'upsert' || holdsBack(mode, { filter, since: plan.since, rejected: 0 }) !== undefined;
    const heldBack = holdsBack(mode, { filter, since: plan.since, rejected: entry.rejected });
    const dir = join(workDir, `seen-${entry.pieces}-${attempt}`);
    await mkdir(dir, { recursive: true });
    const keys = join(dir, 'keys.parquet');
    const whole = this.#mergeInput(start, attempt);
    const input = { ...whole, puts: whole.puts.filter(({ rows }) => rows > 0) };
    const partitions = partitionsOf(input.layout, input.puts);
    await dropSeen(target, this.#seen);
    this.#before = never ? NOTHING_SEEN : await readSeen(target, entry.seen);
    const ends = complete && !never && heldBack === undefined;
    const merged = await mergeItems(input, {
      mode,
      fromMs: Date.parse(entry.from),
      maxDelete: given.state.maxDelete,
      rows: entry.rows ?? 0,
      ...(never ? {} : { keysInto: keys }),
      ...(ends
        ? {
            seen: {
              keys: await fetchSeen(target, this.#before, join(dir, 'before'), given.tempBudgetBytes, signal),
              partitions: new Set([...this.#before.partitions, ...partitions]),
              items: entry.items - entry.rejected - (entry.filtered ?? 0),
            },
          }
        : {}),
    });
    const { seen: _, ...rest } = entry;
    // Rows of deleted items stay in the partitions that nothing came into.
    const left = never || heldBack !== undefined || mode === 'overwrite-partitions';
    const partial = left || entry.partial === true ? { partial: true as const } : {};
    if (never || complete) {
      const told = complete && mode === 'mirror' && heldBack !== undefined ? { heldBack } : {};
      return { merged: await this.#oneFile(merged, start, attempt), entry: { ...rest, ...partial }, ...told };
    }
    this.#seen = await keepSeen(target, plan.runId, this.#before, { keys, partitions }, signal);
    return { merged: await this.#oneFile(merged, start, attempt), entry: { ...rest, ...partial, seen: this.#seen } };
  }

  async #append(start: Start, attempt: number): Promise<MergedState> {
    const { load, loaded } = this.#in;
    if (load === undefined || loaded === undefined) return NOTHING;
    const appends = loaded.read - loaded.rejected - loaded.filtered;
    const merged = await mergeChanges({ ...this.#mergeInput(start, attempt), appends });
    return this.#oneFile({ ...merged, rowsRemoved: 0 }, start, attempt);
  }

  #mergeInput({ base, live }: Start, attempt: number): MergeInput {
    const { load, loaded, kept, commitId } = this.#in;
    const { duck, target, workDir, context, given } = this.#parts;
    const attemptId = `${load?.runId ?? commitId.slice(0, 8)}-${attempt}`;
    const layout = loaded?.layout ?? base;
    if (layout === undefined) throw new TailraceError('INTERNAL', 'A piece without items cannot make a table.');
    return {
      ...{ duck, target, base, live, layout, context, attemptId },
      puts: loaded?.files ?? [],
      deletes: [],
      soft: kept.options.mode === 'soft',
      options: load?.options ?? given,
      commitId,
      workDir: join(workDir, `merge-${attemptId}`),
    };
  }

  /** Readers of a Parquet folder need a file to tell its columns by. */
  async #oneFile(merged: MergedState, start: Start, attempt: number): Promise<MergedState> {
    const input = this.#mergeInput(start, attempt);
    const { duck, target, commitId, attemptId, layout, workDir, context } = input;
    if (target.table.format !== 'parquet') return merged;
    const { storage, table } = target;
    return keepOneFile(merged, start.live, layout, {
      ...{ duck, target: storage, table, commitId, workDir, context },
      runId: attemptId,
    });
  }
}
