/** A table that nobody looked after for days, and what must hold of it whatever upkeep does, and wherever it dies. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, vi } from 'vitest';
import { newestVersion } from '../../src/catalog/files/version.ts';
import { printMetadata } from '../../src/catalog/metadata/json.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import { filesIn, reachOf } from '../../src/table/iceberg/reachable.ts';
import { decodeManifest, MANIFEST_NAME } from '../../src/table/parquet/manifest.ts';
import { type Chain, type ChainOptions, writeChain } from '../data/chain-model.ts';
import { canonical, type Format, folderOf, type LoadOptions, World } from '../faults/load.ts';
import { expectFiles, expectKeysOnce } from './chain.ts';
import { FAST_DISK } from './full-export.ts';

export const HOUR_MS = 3_600_000;
/** The table's files and commits are so old. */
const AGE_MS = 48 * HOUR_MS;
/** Iceberg: more versions than upkeep leaves, so that some are retired. Parquet: many small files, of which windows, which
 * write anew what they touch, leave enough. */
const CHAINS: Record<Format, ChainOptions> = {
  iceberg: { seed: 8, keys: 60, windows: 24, writes: 6 },
  parquet: { seed: 8, keys: 120, windows: 4, writes: 3, filesCount: 40 },
};
/** One thread: calls keep their order. */
const LOAD: LoadOptions = { threads: 1, write: 'merge-on-read', onDrift: 'rescue' };
/** A new column would make a window write all files of a Parquet table anew. */
const FEW_COLUMNS: LoadOptions = { schema: { maxColumns: 2 } };

/** Files that nothing names: of loads that were killed long ago, and of one that goes on. */
const ORPHANS: Record<Format, { readonly old: readonly string[]; readonly young: readonly string[] }> = {
  iceberg: {
    old: ['data/dead-1-0.parquet', 'metadata/dead-1-m0.avro', '.tailrace/dead-1/schema.json'],
    young: ['data/busy-1-0.parquet', '.tailrace/busy-1/schema.json'],
  },
  parquet: {
    old: ['g-dead-1/0.parquet', '.tailrace/dead-1/schema.json'],
    young: ['g-busy-1/0.parquet', '.tailrace/busy-1/schema.json'],
  },
};

/** Such a table, and a copy of it, so that it need not be loaded for each death. */
export class Neglected implements AsyncDisposable {
  readonly world: World;
  readonly chain: Chain;
  readonly format: Format;
  readonly target: string;
  readonly options: LoadOptions;

  private constructor(world: World, chain: Chain, format: Format, options: LoadOptions) {
    this.world = world;
    this.chain = chain;
    this.format = format;
    this.options = { ...LOAD, ...(format === 'parquet' ? FEW_COLUMNS : {}), ...options };
    this.target = world.target(format);
  }

  /** With all windows but the last `waiting` ones. */
  static async open(format: Format, options: LoadOptions = {}, waiting = 0): Promise<Neglected> {
    const world = await World.open(FAST_DISK);
    const chain = await writeChain(`${world.dir}/source`, CHAINS[format]);
    const own = new Neglected(world, chain, format, options);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now - AGE_MS);
    try {
      for (const one of [chain.full, ...chain.windows.slice(0, chain.windows.length - waiting)])
        await world.load(one?.exportDir ?? '', own.target, { ...own.options, upkeep: false, batchBytes: 1 });
    } finally {
      vi.restoreAllMocks();
    }
    await own.#grow();
    await cp(folderOf(own.target), own.#copy, { recursive: true, preserveTimestamps: true });
    return own;
  }

  get #copy(): string {
    return `${folderOf(this.target)}.copy`;
  }

  /** References of others, a short log of former metadata, and what killed loads left. */
  async #grow(): Promise<void> {
    const folder = folderOf(this.target);
    if (this.format === 'iceberg') {
      const newest = await newestVersion(localStorage(folder), '');
      if (newest === undefined) throw new Error('no table');
      const { metadata, version } = newest;
      const ids = (metadata.snapshots ?? []).map((snapshot) => snapshot['snapshot-id']);
      const refs = {
        ...metadata.refs,
        audit: { 'snapshot-id': ids[3] ?? 0n, type: 'tag' as const },
        theirs: { 'snapshot-id': ids[9] ?? 0n, type: 'branch' as const, 'min-snapshots-to-keep': 3 },
      };
      const properties = { ...metadata.properties, 'write.metadata.previous-versions-max': '3' };
      await writeFile(
        join(folder, `metadata/v${version}.metadata.json`),
        printMetadata({ ...metadata, refs, properties }),
      );
    }
    for (const name of Object.values(ORPHANS[this.format]).flat()) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), 'left by a load');
    }
    const old = new Date(Date.now() - AGE_MS);
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && !entry.parentPath.includes('busy-1'))
        await utimes(join(entry.parentPath, entry.name), old, old);
  }

  async restore(): Promise<this> {
    await rm(folderOf(this.target), { recursive: true });
    await cp(this.#copy, folderOf(this.target), { recursive: true, preserveTimestamps: true });
    return this;
  }

  /** Throws unless the rows are a state of the model, every file is there, and everybody's snapshots are. Gives the state. */
  async expectWhole(): Promise<number> {
    const { world, target, chain } = this;
    const { state, files } = await world.table(target);
    const windows = (state?.ledger?.covered ?? []).reduce((sum, range) => sum + range.windows, 0);
    expect(await world.items(target)).toEqual(canonical([...(chain.states[windows]?.values() ?? [])]));
    await expectFiles(files);
    await expectKeysOnce(world, target);
    expect(state?.rows).toBe(chain.states[windows]?.size);
    await (this.format === 'iceberg' ? this.#expectSnapshots() : this.#expectGeneration());
    expect(this.#there('young')).toEqual(ORPHANS[this.format].young);
    return windows;
  }

  /** Planted files that are still there. */
  #there(age: 'old' | 'young'): string[] {
    return ORPHANS[this.format][age].filter((name) => existsSync(join(folderOf(this.target), name)));
  }

  /** What killed loads left long ago is gone. */
  expectSwept(): void {
    expect(this.#there('old')).toEqual([]);
  }

  /** Every snapshot that the table names can be read, and those that references name are among them. */
  async #expectSnapshots(): Promise<void> {
    const storage = localStorage(folderOf(this.target));
    const { metadata } = (await newestVersion(storage, '')) ?? expect.fail('no table');
    const snapshots = metadata.snapshots ?? [];
    const reach = await reachOf(storage, snapshots);
    const named = await filesIn(storage, metadata, reach.manifests.values(), 'here');
    for (const uri of [...named, ...reach.manifests.keys(), ...reach.lists])
      expect([uri, existsSync(storage.localPath(storage.key(uri)) ?? '')]).toEqual([uri, true]);
    const ids = new Set(snapshots.map((snapshot) => snapshot['snapshot-id']));
    const refs = Object.entries(metadata.refs ?? {});
    expect(refs.map(([name]) => name).sort()).toEqual(['audit', 'main', 'theirs']);
    for (const [name, ref] of refs) expect([name, ids.has(ref['snapshot-id'])]).toEqual([name, true]);
  }

  async #expectGeneration(): Promise<void> {
    const folder = folderOf(this.target);
    const bytes = await localStorage(folder).get(MANIFEST_NAME);
    for (const { path, sizeBytes } of decodeManifest(bytes, folder).files)
      expect((await stat(join(folder, path))).size).toBe(sizeBytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}
