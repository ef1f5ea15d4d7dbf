import { createHash } from 'node:crypto';
import { TailraceError } from '../../model/errors.ts';
import { ObjectNotFound, type Storage } from '../../storage/port.ts';
import type { Export, FullExport, IncrementalExport } from '../port.ts';
import { checkManifest } from './checksum.ts';
import { join, uriOf } from './folder.ts';
import { locateFiles } from './locate.ts';
import { FILES_FILE, type ReadManifest, readManifest } from './manifest.ts';
import { type ExportSummary, parseSummary, SUMMARY_FILE } from './summary.ts';

export interface OpenOptions {
  /** Load an export whose manifest disagrees with its checksum file, with a warning. */
  readonly trustManifest?: boolean;
}

/** Opens the full export in a folder; MANIFEST_BAD when it is an incremental one. */
export async function openFullExport(storage: Storage, prefix: string, options: OpenOptions = {}): Promise<FullExport> {
  const opened = await openExport(storage, prefix, options, 'full');
  if (opened.kind === 'full') return opened;
  throw wrongKind(opened);
}

/** Opens the incremental export in a folder; MANIFEST_BAD when it is a full one. */
export async function openIncrementalExport(
  storage: Storage,
  prefix: string,
  options: OpenOptions = {},
): Promise<IncrementalExport> {
  const opened = await openExport(storage, prefix, options, 'incremental');
  if (opened.kind === 'incremental') return opened;
  throw wrongKind(opened);
}

/**
 * Opens the export in a folder (as findFullExport and findExports give it): reads both manifests, checks them against
 * their checksum files and against each other, and finds every data file: of a full export in its own folder, of an
 * incremental one in the folder that all share. Nothing of the data is read yet.
 */
export async function openExport(
  storage: Storage,
  prefix: string,
  options: OpenOptions = {},
  wanted?: Export['kind'],
): Promise<Export> {
  const folder = prefix.replace(/\/+$/, '');
  const summaryKey = join(folder, SUMMARY_FILE);
  const filesKey = join(folder, FILES_FILE);
  const summaryBytes = await orMissing(storage, folder, SUMMARY_FILE, () => storage.get(summaryKey));
  const summaryMd5 = createHash('md5').update(summaryBytes).digest('base64');
  const trust = options.trustManifest === true;
  const checks = [await checkManifest(storage, folder, SUMMARY_FILE, summaryMd5, trust)];
  const summary = parseSummary(summaryBytes, storage.uri(summaryKey));
  if (wanted !== undefined && summary.kind !== wanted)
    throw wrongKind({ kind: summary.kind, uri: storage.uri(summaryKey) });
  const manifest = await orMissing(storage, folder, FILES_FILE, async () =>
    readManifest(await storage.getStream(filesKey), storage.uri(filesKey)),
  );
  checks.push(await checkManifest(storage, folder, FILES_FILE, manifest.md5Base64, trust));
  if (manifest.fault !== undefined) throw manifest.fault;
  checkCounts(summary, manifest, storage.uri(filesKey));
  const { s3Bucket, ...described } = summary;
  return {
    ...described,
    files: await locateFiles(storage, folder, s3Bucket, manifest.entries),
    trusted: checks.some(({ kind }) => kind === 'disagrees'),
    digest: digestOf(summaryBytes, manifest),
    warnings: checks.flatMap((check) => {
      if (check.kind === 'agrees') return [];
      return [{ code: check.kind === 'missing' ? 'manifest-checksum-missing' : 'manifest-trusted', text: check.text }];
    }),
    uri: uriOf(storage, folder),
  };
}

function wrongKind({ kind, uri }: Pick<Export, 'kind' | 'uri'>): TailraceError {
  const [found, expected] = kind === 'full' ? ['a full', 'an incremental'] : ['an incremental', 'a full'];
  return new TailraceError('MANIFEST_BAD', `This is ${found} export; ${expected} export was expected.`, {
    expected: `${expected} export`,
    found: `${found} export`,
    place: uri,
    hint: `Name the folder of ${expected} export.`,
  });
}

async function orMissing<T>(storage: Storage, folder: string, name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof ObjectNotFound)) throw thrown;
    throw new TailraceError('MANIFEST_BAD', `The export has no ${name}.`, {
      expected: name,
      found: 'nothing',
      place: uriOf(storage, folder),
      cause: thrown,
      hint: 'Wait until the export is COMPLETED, and copy the whole folder.',
    });
  }
}

function checkCounts(summary: ExportSummary, manifest: ReadManifest, place: string): void {
  const sum = manifest.entries.reduce((total, entry) => total + entry.itemCount, 0);
  if (sum === summary.itemCount) return;
  throw new TailraceError('COUNT_MISMATCH', 'The two manifests do not agree on the number of items.', {
    expected: `${summary.itemCount} items (${SUMMARY_FILE})`,
    found: `${sum} items (sum over ${FILES_FILE})`,
    place,
    hint: "Copy both manifests again from the export's folder; one of them was changed.",
  });
}

/** Both hashes are of fixed length, so no other pair of manifests can give the same bytes. */
function digestOf(summaryBytes: Uint8Array, manifest: ReadManifest): string {
  const summary = createHash('sha256').update(summaryBytes).digest();
  return createHash('sha256').update(summary).update(manifest.sha256).digest('hex');
}
