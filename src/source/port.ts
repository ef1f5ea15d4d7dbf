import type { Change, Item } from '../model/item.ts';
import type { StreamPosition } from '../model/stream-position.ts';

/** A unit of reading: one data file of an export, with what its manifest says of it. */
export interface SourceFile {
  /** 0-based place in the manifest. */
  readonly index: number;
  /** Key below the source's storage root. */
  readonly key: string;
  /** As the manifest names it. */
  readonly manifestKey: string;
  readonly itemCount: number;
  /** Absent: the bytes were held against their checksum as they came, and this process wrote the file. */
  readonly md5Base64?: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** What every export's manifests say, full or incremental. */
interface ExportBase {
  readonly exportArn: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  readonly format: 'DYNAMODB_JSON' | 'ION';
  readonly itemCount: number;
  readonly files: readonly SourceFile[];
  /** True when a manifest disagreed with its checksum file and --trust-manifest was given. */
  readonly trusted: boolean;
  /** Hex SHA-256 over both manifests' bytes: names this export's content for resuming. */
  readonly digest: string;
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
  /** URI of the export's folder. */
  readonly uri: string;
}

/** A full export, as its manifests describe it. */
export interface FullExport extends ExportBase {
  readonly kind: 'full';
  /** ISO, as in the manifest. */
  readonly exportTime: string;
}

/** An incremental export: the net change of each key within a window. */
export interface IncrementalExport extends ExportBase {
  readonly kind: 'incremental';
  /** ISO, as in the manifest: from is inclusive, to is exclusive. */
  readonly from: string;
  readonly to: string;
  readonly view: 'NEW_AND_OLD_IMAGES' | 'NEW_IMAGE';
}

export type Export = FullExport | IncrementalExport;

/** An export that was found by its summary alone; its files are not looked at yet. */
export interface FoundExport {
  /** Key of the export's folder, without a slash at its end. */
  readonly folder: string;
  readonly uri: string;
  readonly kind: 'full' | 'incremental';
  readonly exportArn: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  /** Full: exportTime twice. Incremental: the window. ISO. */
  readonly from: string;
  readonly to: string;
  readonly items: number;
}

/** A data file made readable for the engine: verified bytes on this machine's disk. */
export interface LocalFile {
  readonly source: SourceFile;
  /** Gzipped or plain JSON lines, `{"Item":{…}}` or a change each. The suffix tells which. */
  readonly path: string;
  /** Bytes that it takes from the temporary budget; 0 when it is read in place. */
  readonly tempBytes: number;
  /** Lines of the source file that became rejects on the way (Ion only). */
  readonly rejects: readonly Reject[];
  /** How many lines the source file has, blank ones left out, where it was turned into another (Ion only). */
  readonly lines?: number;
}

/** One line that cannot be loaded. */
export interface Reject {
  /** As the manifest names the file. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly reason: string;
  /** The whole line as it came, as base64 if it is not UTF-8. */
  readonly text: string;
  readonly encoding: 'utf8' | 'base64';
}

/** Result of reading a file line by line, after the engine refused it. */
export interface SievedFile {
  /** Plain JSON lines with only what is loadable, in canonical form. */
  readonly path: string;
  readonly lines: number;
  readonly rejects: readonly Reject[];
}

/** Called with each well-formed item of a sieved or sampled file, so that the schema can learn from it. */
export type ItemSink = (item: Item, change?: Change) => void;

/**
 * A stream of a table's changes, as far as a scan needs it: a scan is no snapshot, so who reads the stream from a place
 * that was fixed before the scan's first request misses no change, and applies some twice, which changes nothing.
 */
export interface PositionSource {
  /** The place behind which all changes are still to come. Called once, before the first item is read. */
  take(table: { readonly arn: string; readonly id: string }, signal: AbortSignal): Promise<StreamPosition>;
}
