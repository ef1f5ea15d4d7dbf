import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import type { FoundExport } from '../port.ts';
import { uriOf } from './folder.ts';
import { type ExportSummary, SUMMARY_FILE } from './summary.ts';
import { begunAt, type SeenExport, STARTED, walk } from './walk.ts';

/** How many folders are looked into for one full export. */
export const MAX_FOLDERS = 5_000;
/** How many are looked into for a chain: a window every quarter of an hour makes 35,000 a year. */
export const MAX_CHAIN_FOLDERS = 100_000;
const MAX_SHOWN = 10;

/** All exports at or below a folder, and what lies there that may have been meant to be one. */
export interface FoundExports {
  readonly exports: readonly FoundExport[];
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
  /** Why exports were left out: what they are, nobody knows. */
  readonly unreadable: readonly TailraceError[];
  /** Exports that were begun before `begunSince`, by their names; they were not looked at. */
  readonly passed: number;
}

/**
 * Every export, full or incremental, at or below the prefix, by its manifest-summary.json alone, in no promised order.
 * Unreadable and unfinished ones are warnings, unless nothing else is there. Data files are never looked at.
 * With `begunSince` (milliseconds since 1970), exports below the folder whose names tell that they were begun before are
 * passed over, but for the newest two: an export holds nothing later than its own begin, so a table that holds all until
 * then needs none of them.
 */
export async function findExports(storage: Storage, prefix: string, begunSince?: number): Promise<FoundExports> {
  const start = startOf(prefix);
  const isOld = (folder: string): boolean => (begunAt(folder) ?? Number.POSITIVE_INFINITY) < (begunSince ?? 0);
  const { found, exhausted, passed } = await walk(storage, start, MAX_CHAIN_FOLDERS, () => false, isOld);
  if (exhausted) throw tooManyFolders(storage, start, MAX_CHAIN_FOLDERS);
  const exports = found.flatMap(({ folder, summary }) =>
    summary === undefined ? [] : [foundExport(storage, folder, summary)],
  );
  if (exports.length === 0 && passed === 0) {
    const fault = found.find((each) => each.fault !== undefined)?.fault;
    throw fault ?? (await nothingFound(storage, start, found));
  }
  const warnings = found.flatMap((each) => warningOf(storage, each));
  return { exports, warnings, unreadable: found.flatMap(({ fault }) => fault ?? []), passed };
}

function foundExport(storage: Storage, folder: string, summary: ExportSummary): FoundExport {
  const { kind, exportArn, tableArn, tableId, tableName, itemCount } = summary;
  const window =
    summary.kind === 'full'
      ? { from: summary.exportTime, to: summary.exportTime }
      : { from: summary.from, to: summary.to };
  return {
    folder,
    uri: uriOf(storage, folder),
    kind,
    exportArn,
    tableArn,
    tableId,
    tableName,
    ...window,
    items: itemCount,
  };
}

function warningOf(storage: Storage, { folder, kind, fault }: SeenExport): FoundExports['warnings'] {
  const place = uriOf(storage, folder);
  if (kind === 'unfinished')
    return [{ code: 'export-unfinished', text: `The export in ${place} is not finished: it has no manifests yet.` }];
  if (fault === undefined) return [];
  const found = fault.found === undefined ? '' : ` Found: ${fault.found}.`;
  return [{ code: 'export-unreadable', text: `The export in ${place} is left out: ${fault.message}${found}` }];
}

/** A folder's key, also where its summary is named. */
function startOf(prefix: string): string {
  return prefix.replace(/(^|\/)manifest-summary\.json$/, '').replace(/\/+$/, '');
}

/**
 * The key (without a slash at its end) of the one folder, at or below the prefix, that holds a full export's
 * manifest-summary.json. Looks at names of folders and at summaries, never at data files.
 */
export async function findFullExport(storage: Storage, prefix: string): Promise<string> {
  const start = startOf(prefix);
  const { found, exhausted } = await walk(
    storage,
    start,
    MAX_FOLDERS,
    (some) => some.filter(({ kind }) => kind === 'full').length > MAX_SHOWN,
  );
  const loadable = found.filter(({ kind }) => kind === 'full' || kind === 'unreadable');
  const only = loadable[0];
  if (loadable.length > 1) throw severalExports(storage, start, loadable);
  if (exhausted) throw tooManyFolders(storage, start, MAX_FOLDERS);
  if (only === undefined) throw await nothingFound(storage, start, found);
  return only.folder;
}

async function nothingFound(storage: Storage, start: string, found: readonly SeenExport[]): Promise<TailraceError> {
  const instead = found.length === 0 ? await notAnExport(storage, start) : undefined;
  return instead ?? noExport(storage, start, found);
}

/** What lies there in an export's place, where its names tell. */
async function notAnExport(storage: Storage, start: string): Promise<TailraceError | undefined> {
  const place = uriOf(storage, start);
  const names = new Set<string>();
  for await (const name of storage.listFolder(start === '' ? '' : `${start}/`)) {
    names.add(name);
    if (names.size > MAX_SHOWN) break;
  }
  if (names.size === 0 && start !== '') {
    const file = (await storage.head(start)) !== undefined;
    return new TailraceError('SOURCE_NOT_FOUND', `${file ? 'A file' : 'Nothing'} lies at ${place}.`, {
      expected: "an export's folder, or a folder above it",
      found: file ? 'a file' : 'nothing',
      place,
      hint: file ? 'Name the folder.' : 'Check the path; relative paths start where the command runs.',
    });
  }
  if (!names.has('metadata/') && !names.has('_tailrace.json')) return undefined;
  return new TailraceError('SOURCE_NOT_FOUND', 'A table lies there, and no export: a table is a target.', {
    expected: `a folder with ${SUMMARY_FILE}`,
    found: 'a table',
    place,
    hint: 'The source comes first: tailrace sync <export> <table>.',
  });
}

function noExport(storage: Storage, start: string, found: readonly SeenExport[]): TailraceError {
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

function severalExports(storage: Storage, start: string, exports: readonly SeenExport[]): TailraceError {
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

function tooManyFolders(storage: Storage, start: string, max: number): TailraceError {
  return new TailraceError('SOURCE_NOT_FOUND', `There are more than ${max} folders here; not all were looked into.`, {
    place: uriOf(storage, start),
    hint: "Name the export's own folder: …/AWSDynamoDB/<ExportId>.",
  });
}

function shown(storage: Storage, exports: readonly SeenExport[]): string {
  const lines = exports.slice(0, MAX_SHOWN).map(({ folder, about }) => `${uriOf(storage, folder)} (${about})`);
  return exports.length > MAX_SHOWN ? `${lines.join(', ')}, …` : lines.join(', ');
}
