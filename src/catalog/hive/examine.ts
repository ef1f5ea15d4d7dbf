/** What a load will ask of a Hive Metastore, tried: see examination.ts. */
import { type ExaminedFiles, type ExamineOptions, examineMetadata } from '../examination.ts';
import { plainUri } from '../paths.ts';
import type { PointerStore } from '../pointer.ts';
import type { OpenFiles } from '../port.ts';
import { type HiveDatabase, METHODS } from './api.ts';
import type { HiveClient } from './client.ts';
import { hiveError } from './errors.ts';
import type { HiveLimits } from './limits.ts';
import { acquireLock, type LockWanted } from './lock.ts';

export interface HiveParts {
  readonly client: HiveClient;
  readonly pointer: PointerStore;
  /** URI of the folder of the Parquet table of that name; undefined: there is none. */
  readonly shownLocation: () => Promise<string | undefined>;
  readonly openFiles: OpenFiles;
  readonly lock: LockWanted;
  readonly limits: HiveLimits;
  /** Undefined: it is not there, and would be made. */
  readonly database: () => Promise<HiveDatabase | undefined>;
  /** Where a table in the database would lie; of one that is not there, as far as that can be told. */
  readonly newLocation: (database: HiveDatabase | undefined) => string | undefined;
}

/** How long the lock of the table is waited for. */
const LOCK_TIMEOUT_MS = 2_000;
const UNTRIED = 'it cannot be tried without doing it';

/** Tries what a load of this table will ask. Undefined: it cannot be told where its files lie. */
export async function examineHive(parts: HiveParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { client, pointer, openFiles, lock } = parts;
  const { findings } = options;
  const iceberg = options.format === 'iceberg';
  const reached = await findings.try(
    'reach the Hive Metastore',
    [],
    async () => {
      // Not every distribution tells its version.
      await client.ask(METHODS.databases, {}).catch((thrown: unknown) => {
        throw hiveError(thrown, 'list the databases', lock.place);
      });
      return client.ask(METHODS.version, {}).catch(() => 'unknown');
    },
    (version) => `version ${version}`,
  );
  if (reached === undefined) return undefined;
  const read = await findings.try(
    "read the table's entry",
    [],
    async () => {
      const location = iceberg ? (await pointer.read())?.metadataLocation : await parts.shownLocation();
      return location === undefined ? undefined : { location, storage: await openFiles(location) };
    },
    (there) => there?.location ?? 'there is none yet',
  );
  if (read === undefined) return undefined;
  if (read.value === undefined) return newTable(parts, options);
  await tryLock(parts, options);
  findings.untried("change the table's entry", UNTRIED);
  if (!iceberg) {
    findings.untried("make and change the entry's partitions", UNTRIED);
    const { location, storage } = read.value;
    return { storage, location: plainUri(storage, location) };
  }
  return examineMetadata(findings, read.value.storage, read.value.location);
}

/** Takes the lock that each commit takes, and gives it back. */
async function tryLock({ client, lock, limits }: HiveParts, { findings, readOnly }: ExamineOptions): Promise<void> {
  if (readOnly) return findings.untried('lock the table', 'only reading was asked for');
  await findings.try(
    'lock the table',
    [],
    async () => {
      const held = await acquireLock(client, lock, { ...limits, lockTimeoutMs: LOCK_TIMEOUT_MS });
      await held.release();
    },
    () => 'the lock was given back',
  );
}

/** A table that is not there yet: where it would lie, and what making it takes. */
async function newTable(parts: HiveParts, options: ExamineOptions): Promise<ExaminedFiles | undefined> {
  const { findings } = options;
  const found = await findings.try(
    'find the place of a new table',
    [],
    async () => {
      const database = await parts.database();
      const location = options.location ?? parts.newLocation(database);
      const storage = location === undefined ? undefined : await parts.openFiles(location);
      return { database, files: location === undefined || storage === undefined ? undefined : { storage, location } };
    },
    ({ files }) => files?.location ?? 'the Metastore will say where',
  );
  if (found === undefined) return undefined;
  if (found.value.database === undefined) findings.untried('create the database', UNTRIED);
  findings.untried("create the table's entry", UNTRIED);
  return found.value.files;
}
