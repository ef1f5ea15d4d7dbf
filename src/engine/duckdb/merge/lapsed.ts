import type { TableSchema } from '../../../model/schema.ts';
import type { TimeRange } from '../../../model/table.ts';
import type { Duck } from '../instance.ts';
import { deletedPositions, filesRelation, type ReadFile } from '../read.ts';
import { columnOf } from './changes.ts';
import { joinedAsWritten } from './joins.ts';

/** Files that may hold such rows, and the schema that they were written by. */
interface Live {
  readonly live: readonly ReadFile[];
  readonly schema: TableSchema;
  readonly liveSchema?: TableSchema;
  readonly signal?: AbortSignal;
}

/**
 * Adds to the positions the live rows that were written within a time of which the changes are all there are, and whose
 * key has none: what was inserted within a window and deleted within it is in none of its lines. So such a row, which an
 * overlapping window before brought, was deleted behind that one's end. When is not known: by the end of the time.
 * Gives how many they are.
 */
export async function strikeLapsed(
  duck: Duck,
  { live, schema, liveSchema: from = schema, signal }: Live,
  { from: begin, to: end }: TimeRange,
  positions: string,
  /** A table with the keys of all changes, and how its row `w` meets a live row. */
  changed: { readonly table: string; readonly on: string } | undefined,
): Promise<number> {
  if (live.length === 0) return 0;
  const micros = (time: string): bigint => BigInt(Date.parse(time)) * 1000n;
  const at = `epoch_us(${columnOf(from, '_written_at')}::TIMESTAMPTZ)`;
  const without = changed === undefined ? '' : ` ANTI JOIN ${changed.table} AS w ON ${changed.on}`;
  const rows = `SELECT file_index::BIGINT AS file, file_row_number AS pos, make_timestamp(${micros(end) - 1n})::TIMESTAMPTZ AS deleted_at
    FROM ${filesRelation(from, live)}${without}
    WHERE ${at} >= ${micros(begin)} AND ${at} < ${micros(end)} AND ${columnOf(from, '_deleted')} IS NOT TRUE`;
  const struck = live.some(({ deletes }) => (deletes?.length ?? 0) > 0)
    ? `SELECT l.* FROM (${rows}) AS l ANTI JOIN (${deletedPositions(live)}) AS gone ON l.file = gone.file AND l.pos = gone.pos`
    : rows;
  const count = async (): Promise<number> => {
    const [row] = await duck.rows(`SELECT count(*) AS n FROM ${positions}`, signal);
    return Number(row?.['n']);
  };
  const before = await count();
  await joinedAsWritten(duck, () => duck.run(`INSERT INTO ${positions} ${struck}`, signal));
  return (await count()) - before;
}
