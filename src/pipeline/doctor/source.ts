import type { Findings } from '../../model/findings.ts';
import type { SyncOptions } from '../../model/options.ts';
import type { Warning } from '../../model/report.ts';
import { findExports } from '../../source/export/discover.ts';
import { openExport } from '../../source/export/open.ts';
import type { FoundExport } from '../../source/port.ts';
import { type Location, openStorage } from '../../storage/locate.ts';
import type { Storage } from '../../storage/port.ts';
import { fileNeeds } from '../../storage/s3/needs.ts';
import { parseSource } from '../ends/ends.ts';
import { endsAll } from './denial.ts';
import { examineTable } from './table.ts';

/** Exports whose manifests and data are tried: the oldest and the newest of this many. */
const TRIED = 4;

/** Tries what a run will ask of its source. A kind of source has a function of its own. */
export async function examineSource(
  text: string,
  options: SyncOptions,
  findings: Findings,
  signal: AbortSignal,
): Promise<readonly Warning[]> {
  try {
    const end = parseSource(text);
    if (end.kind === 'export') return await examineExports(end.location, options, findings);
    await examineTable(end, options, findings, signal);
    return [];
  } catch (thrown) {
    findings.fail('open the source', thrown);
    return [];
  }
}

async function examineExports(
  location: Location,
  options: SyncOptions,
  findings: Findings,
): Promise<readonly Warning[]> {
  const { sourceAws: aws } = options;
  const storage = await openStorage(location, { aws });
  const { uri, key } = location;
  const needs = fileNeeds(uri, aws.region);
  try {
    await findings.try(`list ${uri}`, needs.list, async () => {
      for await (const _ of storage.listFolder(key === '' ? '' : `${key}/`)) break;
    });
    if (endsAll(findings)) {
      findings.untried('find exports', 'because of what failed above', needs.read);
      return [];
    }
    // A folder that is an export by its name is read without being listed.
    const found = await findings.try(
      'find exports',
      needs.read,
      () => findExports(storage, key),
      ({ exports }) => told(exports),
    );
    if (found === undefined) return [];
    const { exports, warnings } = found.value;
    for (const each of some(exports)) {
      const manifests = `read the manifests of ${each.uri}`;
      const opened = await findings.try(
        manifests,
        needs.read,
        () => openExport(storage, each.folder, { trustManifest: options.trustManifest }),
        ({ files, itemCount }) => `${itemCount} items in ${files.length} data files, all of them there`,
      );
      const file = opened?.value.files.find(({ itemCount }) => itemCount > 0);
      if (file === undefined) continue;
      await findings.try(`read its data (${storage.uri(file.key)})`, needs.read, () => firstByte(storage, file.key));
    }
    return warnings;
  } finally {
    await storage.close();
  }
}

async function firstByte(storage: Storage, key: string): Promise<void> {
  await storage.get(key, { offset: 0, length: 1 });
}

function some(exports: readonly FoundExport[]): readonly FoundExport[] {
  const byTime = [...exports].sort((a, b) => (a.to < b.to ? -1 : 1));
  if (byTime.length <= TRIED) return byTime;
  return [...byTime.slice(0, TRIED / 2), ...byTime.slice(-TRIED / 2)];
}

function told(exports: readonly FoundExport[]): string {
  const full = exports.filter(({ kind }) => kind === 'full').length;
  const tables = [...new Set(exports.map(({ tableName }) => tableName))].sort().join(', ');
  return `${full} full and ${exports.length - full} incremental, of ${tables}`;
}
