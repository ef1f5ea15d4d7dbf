import type { Item } from '../model/item.ts';

/** A unit of reading: one data file of an export, with what its manifest says of it. */
export interface SourceFile {
  /** 0-based place in the manifest. */
  readonly index: number;
  /** Key below the source's storage root. */
  readonly key: string;
  /** As the manifest names it. */
  readonly manifestKey: string;
  readonly itemCount: number;
  readonly md5Base64: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** A full export, as its manifests describe it. */
export interface FullExport {
  readonly exportArn: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  /** ISO, as in the manifest. */
  readonly exportTime: string;
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

/** A data file made readable for the engine: verified bytes on this machine's disk. */
export interface LocalFile {
  readonly source: SourceFile;
  /** Gzipped or plain JSON lines, `{"Item":{…}}` each. The suffix tells which. */
  readonly path: string;
  /** Bytes that it takes from the temporary budget; 0 when it is read in place. */
  readonly tempBytes: number;
  /** Lines of the source file that became rejects on the way (Ion only). */
  readonly rejects: readonly Reject[];
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
export type ItemSink = (item: Item) => void;
