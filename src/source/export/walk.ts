import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';
import { join } from './folder.ts';
import { type ExportSummary, kindOfSummary, parseSummary, SUMMARY_FILE } from './summary.ts';

/** How far below the named folder exports are looked for. */
export const MAX_DEPTH = 8;
/** How many files of one folder are passed over: a folder of data files is not what is looked for. */
export const MAX_FILES = 20_000;
const PARALLEL = 16;
export const STARTED = '_started';
/** Of exports that may be passed over, the newest are looked at all the same: they tell whether it is the right table. */
const OLD_LOOKED_AT = 2;
/** Named as DynamoDB names exports: its summary is asked for at once, which saves a listing for each of many windows. */
const EXPORT_FOLDER = /(^|\/)AWSDynamoDB\/(\d{14})-[0-9a-f]{8}$/;

/** When the export of a folder was begun, in milliseconds since 1970, by the name that DynamoDB gives it. */
export function begunAt(folder: string): number | undefined {
  const digits = EXPORT_FOLDER.exec(folder)?.[2];
  return digits === undefined ? undefined : Number(digits);
}

/** A folder that is an export, or was meant to be one. */
export interface SeenExport {
  readonly folder: string;
  readonly kind: 'full' | 'incremental' | 'unreadable' | 'unfinished';
  readonly about: string;
  /** Absent where it cannot be read; then `fault` says why. */
  readonly summary?: ExportSummary;
  readonly fault?: TailraceError;
}

/** Level by level, so that what lies near is found first; the folders of a level are looked into side by side. */
export async function walk(
  storage: Storage,
  start: string,
  maxFolders: number,
  enough: (found: readonly SeenExport[]) => boolean,
  /** Folders below the first that need not be looked into. */
  passes: (folder: string) => boolean = () => false,
): Promise<{ readonly found: readonly SeenExport[]; readonly exhausted: boolean; readonly passed: number }> {
  const found: SeenExport[] = [];
  let level = [start];
  let looked = 0;
  let passed = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += PARALLEL) {
      if (looked >= maxFolders) return { found, exhausted: true, passed };
      const group = level.slice(at, at + PARALLEL);
      looked += group.length;
      const views = await Promise.all(group.map((folder) => look(storage, folder)));
      for (const view of views) {
        if (view.found !== undefined) found.push(view.found);
        next.push(...view.below);
      }
      if (enough(found)) return { found, exhausted: false, passed };
    }
    const old = next.filter(passes).sort();
    const gone = new Set(old.slice(0, Math.max(0, old.length - OLD_LOOKED_AT)));
    level = next.filter((folder) => !gone.has(folder));
    passed += gone.size;
  }
  return { found, exhausted: false, passed };
}

interface View {
  readonly found?: SeenExport;
  readonly below: readonly string[];
}

/** What one folder is: an export (nothing below it matters), or a step on the way. */
async function look(storage: Storage, folder: string): Promise<View> {
  if (EXPORT_FOLDER.test(folder)) {
    const bytes = await summaryIn(storage, folder);
    if (bytes !== undefined) return { found: read(storage, folder, bytes), below: [] };
  }
  const names = await namesIn(storage, folder);
  if (names.has(SUMMARY_FILE)) {
    return { found: read(storage, folder, await storage.get(join(folder, SUMMARY_FILE))), below: [] };
  }
  if (names.has(STARTED)) return { found: { folder, kind: 'unfinished', about: 'export not finished' }, below: [] };
  // AWSDynamoDB/data/ is where incremental exports share their data files.
  const isShared = (name: string): boolean => name === 'data/' && /(^|\/)AWSDynamoDB$/.test(folder);
  const folders = [...names].filter((name) => name.endsWith('/') && !isShared(name));
  return { below: folders.map((name) => join(folder, name.slice(0, -1))) };
}

function read(storage: Storage, folder: string, bytes: Uint8Array): SeenExport {
  const seen = { folder, ...kindOfSummary(bytes) };
  try {
    return { ...seen, summary: parseSummary(bytes, storage.uri(join(folder, SUMMARY_FILE))) };
  } catch (thrown) {
    if (!(thrown instanceof TailraceError)) throw thrown;
    return { ...seen, fault: thrown };
  }
}

async function summaryIn(storage: Storage, folder: string): Promise<Uint8Array | undefined> {
  try {
    return await storage.get(join(folder, SUMMARY_FILE));
  } catch (thrown) {
    if (thrown instanceof ObjectNotFound) return undefined;
    throw thrown;
  }
}

async function namesIn(storage: Storage, folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  let files = 0;
  try {
    for await (const name of storage.listFolder(folder === '' ? '' : `${folder}/`)) {
      names.add(name);
      if (!name.endsWith('/')) files += 1;
      if (files >= MAX_FILES) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound)) throw thrown;
  }
  return names;
}
