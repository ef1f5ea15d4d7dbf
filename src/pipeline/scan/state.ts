/**
 * Items as they are now, merged into a table that is there: what a scan read, piece by piece. A run is over with its last
 * piece, so what it says of partitions and of rows without items holds for the whole of it. Invariants:
 * - a row goes away only when an item takes its place, or in the last piece, when all items of the run were seen;
 * - a row that was written after the run began to read stays, whatever the run saw.
 */
import { join } from 'node:path';
import { candidateFiles, changedKeys, partitionKey } from '../../engine/duckdb/merge/candidates.ts';
import { matchState, type StateInput, type StateMatch, writeSeenKeys } from '../../engine/duckdb/merge/state.ts';
import { TailraceError } from '../../model/errors.ts';
import type { DeleteLimit, LoadMode } from '../../model/options.ts';
import type { LiveFile } from '../../model/table.ts';
import { fetchFiles } from '../files/fetched.ts';
import { keyColumns, type Merged, type MergeInput, mergeChanges } from '../window/merge.ts';

/** What was seen in the whole run, this piece too. */
export interface SeenItems {
  /** Local paths of files with the keys, as `writeSeenKeys` writes them. */
  readonly keys: readonly string[];
  /** Texts of the partitions that rows of the run lie in, as `partitionsOf` gives them. */
  readonly partitions: ReadonlySet<string>;
  /** Items that have a row. */
  readonly items: number;
}

export interface StateMerge {
  readonly mode: LoadMode;
  /** Time of the run's first request, in ms since 1970. */
  readonly fromMs: number;
  /** Present in the last piece, unless rows without items are to stay. */
  readonly seen?: SeenItems;
  /** Local path that the keys of the piece are written to; they count as seen. */
  readonly keysInto?: string;
  readonly maxDelete: DeleteLimit;
  /** Rows of the table when the run began, of which a share may go. */
  readonly rows: number;
}

export interface MergedState extends Merged {
  /** Rows that went away because no item was seen of them. */
  readonly rowsRemoved: number;
}

/** Merges one piece. `input.deletes` is empty, and `input.puts` are the piece's rows, at the target already. */
export async function mergeItems(input: MergeInput, state: StateMerge): Promise<MergedState> {
  const { base, puts } = input;
  if (state.mode === 'append' || base === undefined) {
    const appends = puts.reduce((sum, { rows }) => sum + rows, 0);
    return { ...(await mergeChanges({ ...input, appends })), rowsRemoved: 0 };
  }
  const { location } = input.target.table;
  if (input.layout.schema.keys.length === 0) throw keyUnknown(location, state.mode);
  // Said with the first piece, not when all was read.
  if (state.mode === 'overwrite-partitions' && input.live.some(({ otherSpec }) => otherSpec === true))
    throw otherLayout(location);
  let removed = 0;
  const merged = await mergeChanges(input, async (all) => {
    const match = await find(all, state);
    removed = match.removed;
    try {
      checkRemoved(removed, state, location);
    } catch (thrown) {
      await match.close();
      throw thrown;
    }
    return match;
  });
  return { ...merged, rowsRemoved: removed };
}

/** Texts of the partitions that these files lie in. */
export function partitionsOf(
  { partition, schema }: MergeInput['layout'],
  files: readonly Pick<LiveFile, 'partition'>[],
): string[] {
  return [...new Set(files.map((file) => partitionKey(file.partition, partition, schema)))];
}

async function find(input: MergeInput, state: StateMerge): Promise<StateMatch> {
  const { duck, target, base, live, layout, puts, soft, workDir, options, context } = input;
  const { schema } = layout;
  const { signal } = context;
  const from = base?.schema ?? schema;
  const cleared = new Set(clearedFiles(input, state));
  const candidates = puts.length === 0 ? [] : await withKeys(input);
  // Those whose rows are compared come first: of the others only keys are read, however many they are.
  const near = new Set(candidates);
  const files = [...candidates, ...live.filter((file) => cleared.has(file) && !near.has(file))];
  const keyed = await keyColumns(input, puts, schema, 'puts');
  if (state.keysInto !== undefined && puts.length > 0) await writeSeenKeys(duck, schema, keyed, state.keysInto, signal);
  const own = state.keysInto === undefined || puts.length === 0 ? [] : [state.keysInto];
  const common: StateInput = {
    schema,
    keys: schema.keys,
    liveSchema: from,
    before: BigInt(state.fromMs) * 1000n,
    live: await keyColumns(input, files, from, 'live'),
    puts: keyed,
    signal,
    ...(state.seen === undefined
      ? {}
      : {
          unseen: {
            seen: [...state.seen.keys, ...own],
            soft,
            files: files.flatMap((file, i) => (cleared.has(file) ? [i] : [])),
          },
        }),
  };
  const bytes = [...candidates, ...puts].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const isNear = target.storage.kind === 'local';
  // To compare rows their files are read whole; where that is too much, equal rows are written again.
  if (candidates.length === 0 || (!isNear && bytes > options.tempBudgetBytes / 2)) return matchState(duck, common);
  const fetch = (some: readonly LiveFile[], name: string) =>
    fetchFiles(target.storage, some, join(workDir, `whole-${name}`), options.tempBudgetBytes, signal);
  const whole = { live: await fetch(candidates, 'live'), puts: await fetch(puts, 'puts') };
  return matchState(duck, { ...common, whole });
}

/** Files that may hold a row of one of the piece's keys. */
async function withKeys({ duck, base, live, layout, puts, ...rest }: MergeInput): Promise<readonly LiveFile[]> {
  if (base === undefined || live.length === 0) return [];
  const { schema } = layout;
  const table = { schema: base.schema, keys: schema.keys, partition: base.partition };
  const keyed = await keyColumns({ duck, base, live, layout, puts, ...rest }, puts, schema, 'bounds');
  const changed = await changedKeys(
    duck,
    { schema, keys: schema.keys, puts: keyed, deletes: [] },
    table,
    rest.context.signal,
  );
  return candidateFiles(live, changed, table);
}

/** Files whose rows go away where no item of theirs was seen. */
function clearedFiles({ live, layout }: MergeInput, { mode, seen }: StateMerge): readonly LiveFile[] {
  if (seen === undefined || mode === 'upsert' || mode === 'append') return [];
  if (mode !== 'overwrite-partitions') return live;
  return live.filter((file) => seen.partitions.has(partitionKey(file.partition, layout.partition, layout.schema)));
}

/** An empty source, or one that lost much, never empties a table without a word. */
function checkRemoved(removed: number, { mode, seen, maxDelete, rows }: StateMerge, place: string): void {
  if (removed === 0 || mode === 'overwrite-partitions') return;
  if (mode === 'overwrite' && (seen?.items ?? 0) > 0) return;
  // 29 % of 100 rows are 29, which doubles alone do not give.
  const most = 'rows' in maxDelete ? maxDelete.rows : Math.floor(Number((maxDelete.share * rows).toPrecision(12)));
  if (removed <= most) return;
  const limit = 'rows' in maxDelete ? `${most} rows` : `${Math.round(maxDelete.share * 1e4) / 100} % of ${rows} rows`;
  throw new TailraceError(
    'DELETES_REFUSED',
    `The run would delete ${removed} of the ${rows} rows that the table had.`,
    {
      place,
      expected: `at most ${limit}`,
      found: `${removed} rows whose items are gone`,
      hint: `If the items were deleted, run again with --max-delete ${removed}; if they are back by now, with --new-scan.`,
    },
  );
}

function keyUnknown(place: string, mode: LoadMode): TailraceError {
  return new TailraceError('USAGE', 'Items cannot be matched with the rows of a table whose key is unknown.', {
    place,
    expected: `a table with key columns, for --write-mode ${mode}`,
    found: 'none',
    hint: 'Load the table anew with --key, or add rows with --write-mode append.',
  });
}

function otherLayout(place: string): TailraceError {
  return new TailraceError('USAGE', 'Some files lie in partitions of another spec than the table’s present one.', {
    place,
    expected: 'one partition spec for --write-mode overwrite-partitions',
    hint: 'Use --write-mode mirror or upsert, which match rows by their keys.',
  });
}
