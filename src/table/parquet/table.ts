/**
 * A Parquet table: `<location>/<generation>/…` holds all files of one state, and one manifest object,
 * compared and swapped, says which generation counts.
 *
 * Invariants: a generation's folder belongs to one commit id; the manifest is swapped after all its files lie there,
 * its own and those that it shares with the generation before, so that it never names a missing one. Only while a run
 * goes on to commit may it name files where former generations have them; it then says which generation readers are sent
 * to, and that one's folder stays as it is, until a commit brings all files together. Once the manifest is swapped,
 * files of killed attempts that it does not name leave the folder, and never before, because only then can nobody name
 * them any more. Other generations are never touched by a commit: a replaced one stays for readers that still list it,
 * and those that no manifest ever named are orphans of killed runs. `sweepGenerations` removes both after a grace period.
 */
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type {
  CommitOptions,
  CommitOutcome,
  DataFile,
  LiveFile,
  PartitionField,
  PartitionValue,
  StagedCommit,
  TableHandle,
  TableState,
} from '../../model/table.ts';
import { ObjectNotFound, PreconditionFailed, type Storage } from '../../storage/port.ts';
import { carryFiles, referFiles, stayingFiles } from './carry.ts';
import { commitManifest } from './commit.ts';
import { partitionFileName, partitionFolders } from './folders.ts';
import { deleteFiles, GENERATION, generationOf } from './generations.ts';
import { decodeManifest, MANIFEST_NAME, type Manifest, type ReadManifest } from './manifest.ts';

/** What readers that list a folder take for data. */
const DATA_FILE = /\/[^/_.][^/]*\.parquet$/;
const READ_TRIES_MAX = 5;

/** The Parquet table at a location, an absolute URI below the storage's root. */
export function openParquetTable(storage: Storage, location: string): TableHandle {
  return new ParquetTable(storage, location.replace(/(?<=[^/])\/+$/, ''));
}

/** The folder that readers open: the newest generation that is complete. */
export function readPath({
  location,
  snapshot,
  published,
}: Pick<TableState, 'location' | 'snapshot' | 'published'>): string {
  const generation = published ?? snapshot;
  return generation === undefined ? location : `${location}/${generation}`;
}

class ParquetTable implements TableHandle {
  readonly format = 'parquet';
  readonly location: string;
  readonly #storage: Storage;

  constructor(storage: Storage, location: string) {
    this.#storage = storage;
    this.location = location;
  }

  async load(): Promise<TableState | undefined> {
    const read = await this.#read();
    if (read !== undefined) return this.#state(read.manifest);
    await this.#refuseForeignFiles();
    return undefined;
  }

  async dataFiles(): Promise<readonly LiveFile[]> {
    const read = await this.#read();
    return (read?.manifest.files ?? []).map((file) => ({
      ...file,
      path: `${this.location}/${file.path}`,
    }));
  }

  dataFilePath(
    commitId: string,
    partition: readonly PartitionField[],
    values: readonly PartitionValue[],
    fileName: string,
  ): string {
    const folders = partitionFolders(partition, values);
    const name = partitionFileName(fileName, values);
    return [this.location, generationOf(commitId), ...(folders === '' ? [] : [folders]), name].join('/');
  }

  async commit(
    staged: StagedCommit,
    base: TableState | undefined,
    options: CommitOptions = {},
  ): Promise<CommitOutcome> {
    const outcome = await commitManifest({
      commitId: staged.commitId,
      committedMs: staged.timestampMs,
      base: base && { generation: base.snapshot, ledgerId: base.ledger?.commitId },
      read: () => this.#read(),
      prepare: (before) => this.#prepare(staged, before, options),
      put: (body, condition) => this.#storage.putIf(this.#key(MANIFEST_NAME), body, condition),
    });
    if (outcome.kind !== 'committed') return outcome;
    const untidy = await this.tidy();
    return untidy === undefined ? outcome : { ...outcome, untidy };
  }

  /** The next manifest. Where no file comes or goes, the generation stays, and so do its readers. */
  async #prepare(
    staged: StagedCommit,
    before: Manifest | undefined,
    { signal, more = false }: CommitOptions,
  ): Promise<Omit<Manifest, 'previous'>> {
    const own = generationOf(staged.commitId);
    const files = this.#relativeFiles(staged.files, own);
    const former = before?.files ?? [];
    const staying = stayingFiles(staged, former, (path) => `${this.location}/${path}`);
    const whole = before?.published === undefined;
    const same = before !== undefined && files.length === 0 && staying.length === former.length && (whole || more);
    // Nobody lists a generation that the next commit replaces: its files may stay where they are until then.
    const scattered = before !== undefined && more && staying.length > 0;
    const carry = { storage: this.#storage, key: (path: string) => this.#key(path), generation: own, signal };
    const bring = scattered ? referFiles : carryFiles;
    const all = same
      ? former
      : staying.length === 0
        ? files
        : await bring({ ...carry, former: staying, staged: files });
    const published = before?.published ?? before?.generation;
    const options = staged.options ?? before?.options;
    return {
      generation: same ? before.generation : own,
      ...((same ? !whole : scattered) && published !== undefined ? { published } : {}),
      commitId: staged.commitId,
      committedMs: staged.timestampMs,
      schema: staged.schema,
      partition: staged.partition,
      sort: staged.sort,
      ledger: staged.ledger,
      ...(options === undefined ? {} : { options }),
      rows: all.reduce((rows, file) => rows + file.rows, 0),
      files: all,
    };
  }

  async tidy(): Promise<string | undefined> {
    try {
      const read = await this.#read();
      if (read === undefined) return undefined;
      const { files, generation, commitId } = read.manifest;
      const named = new Set(files.map((file) => this.#key(file.path)));
      // Where the last commit changed no file, all that it had prepared is of no use.
      for (const folder of new Set([generation, generationOf(commitId)])) {
        const strays: string[] = [];
        for await (const { key } of this.#storage.list(this.#key(`${folder}/`))) {
          if (!named.has(key) && DATA_FILE.test(key)) strays.push(key);
        }
        await deleteFiles(this.#storage, strays);
      }
      return undefined;
    } catch (cause) {
      return asTailraceError(cause).message;
    }
  }

  async discard(commitId: string): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.#storage.list(this.#key(`${generationOf(commitId)}/`))) keys.push(key);
    await deleteFiles(this.#storage, keys);
  }

  /** Bytes and etag of one and the same object. */
  async #read(): Promise<ReadManifest | undefined> {
    const key = this.#key(MANIFEST_NAME);
    for (let tries = 1; ; tries += 1) {
      const head = await this.#storage.head(key);
      if (head === undefined) return undefined;
      try {
        const bytes = await this.#storage.get(key, { ifMatch: head.etag });
        return { manifest: decodeManifest(bytes, this.#storage.uri(key)), etag: head.etag };
      } catch (error) {
        const swapped = error instanceof PreconditionFailed || error instanceof ObjectNotFound;
        if (!swapped || tries === READ_TRIES_MAX) throw error;
      }
    }
  }

  #state(manifest: Manifest): TableState {
    const { generation, published, schema, partition, sort, ledger, options, rows } = manifest;
    return {
      format: 'parquet',
      location: this.location,
      snapshot: generation,
      ...(published === undefined ? {} : { published }),
      schema,
      partition,
      sort,
      ledger,
      ...(options === undefined ? {} : { options }),
      rows,
    };
  }

  #relativeFiles(files: readonly DataFile[], generation: string): DataFile[] {
    const seen = new Set<string>();
    return files.map((file) => {
      const path = file.path.slice(this.location.length + 1);
      if (!file.path.startsWith(`${this.location}/${generation}/`) || seen.has(path)) {
        const found = seen.has(path) ? 'a file that is named twice' : 'a file outside';
        throw new TailraceError('INTERNAL', 'The commit names a data file that is not its own.', {
          place: file.path,
          expected: `files in ${this.location}/${generation}`,
          found,
        });
      }
      seen.add(path);
      return { ...file, path };
    });
  }

  /** Folders of killed first loads are no table and no obstacle; anything else belongs to somebody. */
  async #refuseForeignFiles(): Promise<void> {
    for await (const name of this.#storage.listFolder(this.#key(''))) {
      if (name.startsWith('.') || (name.endsWith('/') && GENERATION.test(name.slice(0, -1)))) continue;
      throw new TailraceError(
        'TARGET_BAD',
        'The target’s folder is not empty, and holds no Parquet table of tailrace.',
        {
          place: `${this.location}/${name}`,
          expected: `${MANIFEST_NAME}, or an empty folder`,
          hint: 'Name an empty folder; an Iceberg table is named as iceberg:<location>.',
        },
      );
    }
  }

  #key(name: string): string {
    const folder = this.#storage.key(this.location);
    return folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
  }
}
