/** Every limit of a scan, in one place. Tests make them smaller. */
export interface ScanLimits {
  /** Segments that are read at a time. */
  readonly workers: number;
  /** Bytes of lines in one file of the spool, about. */
  readonly fileBytes: number;
  /** Bytes of lines that are committed at once, at most about. */
  readonly pieceBytes: number;
  /** Bytes that wait in memory to be written to the spool, but for the pages that are under way. */
  readonly pendingBytes: number;
}

export const SCAN_LIMITS: ScanLimits = {
  workers: 8,
  fileBytes: 4 * 1024 * 1024,
  pieceBytes: 1024 * 1024 * 1024,
  pendingBytes: 8 * 1024 * 1024,
};
