/** Merges of real rows, for tests with other readers and writers: a small table, changed by key, beside a model. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { TableSchema } from '../../../src/model/schema.ts';
import type {
  DataFile,
  DeleteFile,
  LiveFile,
  PartitionField,
  StagedCommit,
  TableHandle,
  TableState,
} from '../../../src/model/table.ts';
import { POSITION_DELETE_COLUMNS } from '../../../src/model/table.ts';
import { field, long, stagedOf, string } from './sample.ts';

/** Key, value, region. */
export type Row = readonly [pk: string, n: number, region: string | null];

export const SCHEMA: TableSchema = {
  columns: [field(1, 'pk', 'S', string), field(2, 'n', 'N', long), field(3, 'region', 'S', string)],
  derived: [],
  system: [],
  keys: ['pk'],
  lastFieldId: 3,
};

type Positions = DeleteFile & { readonly dataFile: string };

const text = (value: string | null): string => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`);

/** A table that is changed by key: a model of what `merge` in the engine does, at the size of a test. */
export class MergedTable {
  readonly table: TableHandle;
  readonly #connection: DuckDBConnection;
  readonly #partition: readonly PartitionField[];
  /** What the table must hold. */
  readonly model = new Map<string, Row>();
  #files = 0;

  constructor(table: TableHandle, connection: DuckDBConnection, partition: readonly PartitionField[]) {
    this.table = table;
    this.#connection = connection;
    this.#partition = partition;
  }

  rows(): Row[] {
    return [...this.model.values()];
  }

  async create(rows: readonly Row[]): Promise<void> {
    for (const row of rows) this.model.set(row[0], row);
    await this.#commit('create', 'c-0', { files: await this.#write('c-0', rows) }, undefined);
  }

  /** Newer rows by key, and keys that leave. */
  async merge(commitId: string, puts: readonly Row[], leave: readonly string[] = []): Promise<void> {
    const base = await this.#state();
    for (const row of puts) this.model.set(row[0], row);
    for (const pk of leave) this.model.delete(pk);
    const keys = [...puts.map(([pk]) => pk), ...leave];
    const [deletes, removed, removedDeletes]: [Positions[], string[], string[]] = [[], [], []];
    for (const file of await this.table.dataFiles()) {
      const gone = await this.#deleted(file, file.deletes ?? []);
      const hit = (await this.#matching(file, keys)).filter((pos) => !gone.includes(pos));
      if (hit.length === 0) continue;
      const own = (file.deletes ?? []).filter((each) => each.dataFile === file.path);
      removedDeletes.push(...own.map(({ path }) => path));
      const all = [...(await this.#deleted(file, own)), ...hit].sort((a, b) => a - b);
      if (gone.length + hit.length === file.rows) removed.push(file.path);
      else deletes.push(await this.#writeDeletes(commitId, file, all));
    }
    const files = await this.#write(commitId, puts);
    await this.#commit('merge', commitId, { files, deletes, removed, removedDeletes }, base);
  }

  /** Compacts: all live rows in new files. */
  async rewrite(commitId: string): Promise<void> {
    const base = await this.#state();
    const removed = (await this.table.dataFiles()).map(({ path }) => path);
    await this.#commit('rewrite', commitId, { files: await this.#write(commitId, this.rows()), removed }, base);
  }

  async #state(): Promise<TableState> {
    const state = await this.table.load();
    if (state === undefined) throw new Error('no table');
    return state;
  }

  async #commit(
    operation: StagedCommit['operation'],
    commitId: string,
    change: Partial<StagedCommit>,
    base: TableState | undefined,
  ): Promise<void> {
    const staged = stagedOf(commitId, { operation, schema: SCHEMA, partition: this.#partition, ...change });
    const outcome = await this.table.commit({ ...staged, timestampMs: Date.now() }, base);
    if (outcome.kind !== 'committed') throw new Error(`${commitId}: ${JSON.stringify(outcome)}`);
  }

  async #values(sql: string): Promise<unknown[][]> {
    return (await this.#connection.runAndReadAll(sql)).getRowsJson() as unknown[][];
  }

  async #matching(file: LiveFile, keys: readonly string[]): Promise<number[]> {
    const sql = `SELECT file_row_number FROM read_parquet(${text(file.path)}, file_row_number = true)
      WHERE pk IN (${keys.map(text).join(', ')})`;
    return (await this.#values(sql)).map(([pos]) => Number(pos));
  }

  async #deleted(file: LiveFile, deletes: readonly DeleteFile[]): Promise<number[]> {
    const spelled = text(file.spelling ?? file.path);
    const parts = deletes.map(({ path }) => `SELECT pos FROM read_parquet(${text(path)}) WHERE file_path = ${spelled}`);
    return parts.length === 0 ? [] : (await this.#values(parts.join(' UNION '))).map(([pos]) => Number(pos));
  }

  async #write(commitId: string, rows: readonly Row[]): Promise<readonly DataFile[]> {
    const regions = this.#partition.length === 0 ? [undefined] : [...new Set(rows.map(([, , region]) => region))];
    const files: DataFile[] = [];
    for (const region of regions) {
      const own = region === undefined ? rows : rows.filter((row) => row[2] === region);
      if (own.length === 0) continue;
      const partition = region === undefined ? [] : [region];
      const path = await this.#path(commitId, partition, 'data');
      const values = own.map(([pk, n, place]) => `(${text(pk)}, ${n}::BIGINT, ${text(place)}::VARCHAR)`);
      const sizeBytes = await this.#copy(
        `FROM (VALUES ${values.join(', ')}) t(pk, n, region)`,
        path,
        '{pk: 1, n: 2, region: 3}',
      );
      files.push({ path, rows: own.length, sizeBytes, partition, stats: {}, splitOffsets: [4] });
    }
    return files;
  }

  async #writeDeletes(commitId: string, file: LiveFile, positions: readonly number[]): Promise<Positions> {
    const path = await this.#path(commitId, file.partition, 'deletes');
    const sql = `SELECT ${text(file.spelling ?? file.path)} AS file_path, unnest([${positions.join(', ')}])::BIGINT AS pos`;
    const { file_path, pos } = POSITION_DELETE_COLUMNS;
    const sizeBytes = await this.#copy(sql, path, `{file_path: ${file_path}, pos: ${pos}}`);
    return { path, rows: positions.length, sizeBytes, dataFile: file.path };
  }

  async #path(commitId: string, partition: LiveFile['partition'], kind: string): Promise<string> {
    this.#files += 1;
    const path = this.table.dataFilePath(commitId, this.#partition, partition, `${this.#files}-${kind}.parquet`);
    await mkdir(dirname(path), { recursive: true });
    return path;
  }

  async #copy(sql: string, path: string, ids: string): Promise<number> {
    const [row] = await this.#values(
      `COPY (${sql}) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${ids}, RETURN_STATS)`,
    );
    return Number(row?.[2]);
  }
}
