import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';
import { kindOfSummary, SUMMARY_FILE } from './summary.ts';

/** How far below the named folder exports are looked for. */
export const MAX_DEPTH = 8;
/** How many folders are looked into. */
export const MAX_FOLDERS = 5_000;
/** How many names of one folder are read: a folder of data files is not what is looked for. */
export const MAX_NAMES = 20_000;
const MAX_SHOWN = 10;
const PARALLEL = 8;
const STARTED = '_started';

interface Found {
  readonly folder: string;
  readonly kind: 'full' | 'incremental' | 'unreadable' | 'unfinished';
  readonly about: string;
}

/**
 * The key (without a slash at its end) of the one folder, at or below the prefix, that holds a full export's
 * manifest-summary.json. Looks at names of folders and at summaries, never at data files.
 */
export async function findFullExport(storage: Storage, prefix: string): Promise<string> {
  const start = prefix.replace(/(^|\/)manifest-summary\.json$/, '').replace(/\/+$/, '');
  const { found, exhausted } = await walk(storage, start);
  const loadable = found.filter(({ kind }) => kind === 'full' || kind === 'unreadable');
  const only = loadable[0];
  if (loadable.length > 1) throw severalExports(storage, start, loadable);
  if (exhausted) throw tooManyFolders(storage, start);
  if (only === undefined) throw noExport(storage, start, found);
  return only.folder;
}

/** Level by level, so that what lies near is found first; the folders of a level are looked into side by side. */
async function walk(
  storage: Storage,
  start: string,
): Promise<{ readonly found: readonly Found[]; readonly exhausted: boolean }> {
  const found: Found[] = [];
  let level = [start];
  let looked = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += PARALLEL) {
      if (looked >= MAX_FOLDERS) return { found, exhausted: true };
      const group = level.slice(at, at + PARALLEL);
      looked += group.length;
      const views = await Promise.all(group.map((folder) => look(storage, folder)));
      for (const view of views) {
        if (view.found !== undefined) found.push(view.found);
        next.push(...view.below);
      }
      if (found.filter(({ kind }) => kind === 'full').length > MAX_SHOWN) return { found, exhausted: false };
    }
    level = next;
  }
  return { found, exhausted: false };
}

interface View {
  readonly found?: Found;
  readonly below: readonly string[];
}

/** What one folder is: an export (nothing below it matters), or a step on the way. */
async function look(storage: Storage, folder: string): Promise<View> {
  const names = await namesIn(storage, folder);
  if (names.has(SUMMARY_FILE)) {
    const bytes = await storage.get(join(folder, SUMMARY_FILE));
    return { found: { folder, ...kindOfSummary(bytes) }, below: [] };
  }
  if (names.has(STARTED)) return { found: { folder, kind: 'unfinished', about: 'export not finished' }, below: [] };
  // AWSDynamoDB/data/ is where incremental exports share their data files.
  const isShared = (name: string): boolean => name === 'data/' && /(^|\/)AWSDynamoDB$/.test(folder);
  const folders = [...names].filter((name) => name.endsWith('/') && !isShared(name));
  return { below: folders.map((name) => join(folder, name.slice(0, -1))) };
}

async function namesIn(storage: Storage, folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  try {
    for await (const name of storage.listFolder(folder === '' ? '' : `${folder}/`)) {
      names.add(name);
      if (names.size >= MAX_NAMES) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound)) throw thrown;
  }
  return names;
}

function noExport(storage: Storage, start: string, found: readonly Found[]): TailraceError {
  const place = uriOf(storage, start);
  const unfinished = found.find(({ kind }) => kind === 'unfinished');
  if (unfinished !== undefined) {
    return new TailraceError(
      'SOURCE_NOT_FOUND',
      'The export is not finished: it has been started, but has no manifests yet.',
      {
        expected: SUMMARY_FILE,
        found: STARTED,
        place: uriOf(storage, unfinished.folder),
        hint: 'Wait until the export is COMPLETED. If this is a copy, copy the manifests as well.',
      },
    );
  }
  const incremental = found.filter(({ kind }) => kind === 'incremental');
  if (incremental.length > 0) {
    return new TailraceError(
      'SOURCE_NOT_FOUND',
      `There is no full export here, only ${incremental.length} incremental.`,
      {
        expected: 'a full export',
        found: shown(storage, incremental),
        place,
        hint: 'This version loads full exports; name the folder of one.',
      },
    );
  }
  return new TailraceError('SOURCE_NOT_FOUND', `No export lies at or below ${place}.`, {
    expected: `a folder with ${SUMMARY_FILE}`,
    place,
    hint: "Name the export's folder (…/AWSDynamoDB/<ExportId>) or a folder above it.",
  });
}

function severalExports(storage: Storage, start: string, exports: readonly Found[]): TailraceError {
  const count = exports.length > MAX_SHOWN ? `more than ${MAX_SHOWN}` : String(exports.length);
  return new TailraceError(
    'SOURCE_NOT_FOUND',
    `There are ${count} full exports here; it is not clear which one is meant.`,
    {
      expected: 'exactly one full export',
      found: shown(storage, exports),
      place: uriOf(storage, start),
      hint: `Name one of them, for example ${uriOf(storage, exports[0]?.folder ?? start)}.`,
    },
  );
}

function tooManyFolders(storage: Storage, start: string): TailraceError {
  return new TailraceError(
    'SOURCE_NOT_FOUND',
    `There are more than ${MAX_FOLDERS} folders here; not all were looked into.`,
    {
      place: uriOf(storage, start),
      hint: "Name the export's own folder: …/AWSDynamoDB/<ExportId>.",
    },
  );
}

function shown(storage: Storage, exports: readonly Found[]): string {
  const lines = exports.slice(0, MAX_SHOWN).map(({ folder, about }) => `${uriOf(storage, folder)} (${about})`);
  return exports.length > MAX_SHOWN ? `${lines.join(', ')}, …` : lines.join(', ');
}

/** The key of a name in a folder; both without slashes at their ends. */
export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** A folder's URI for messages; the root itself has no key. */
export function uriOf(storage: Storage, folder: string): string {
  if (folder !== '') return storage.uri(folder);
  return storage
    .uri('x')
    .slice(0, -1)
    .replace(/(?<=[^/])\/$/, '');
}
