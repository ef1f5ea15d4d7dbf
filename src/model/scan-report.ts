import type { LoadMode } from './load-mode.ts';

/** What a scan of the table itself did. It is no snapshot: an item is as it was at some moment between from and to. */
export interface ScanReport {
  readonly runId: string;
  /** Times of the first request and of the last answer that is in the table; absent in a plan of a new scan. */
  readonly from?: string;
  readonly to?: string;
  /** Whether every segment is in the table. */
  readonly complete: boolean;
  /** It goes on with what a run before this one had read. */
  readonly resumed: boolean;
  readonly consistent: boolean;
  readonly segments: number;
  readonly segmentsDone: number;
  /** Items that DynamoDB says the table has, up to six hours ago. */
  readonly itemsInTable: number;
  readonly bytesInTable: number;
  /** Read units that this run took. */
  readonly readUnits: number;
  /** Read units a second that it may take, and why; null: as many as the table gives. */
  readonly rate: { readonly unitsPerSecond: number | null; readonly why: string };
  /** Calls that were throttled, and calls that were repeated for another reason. */
  readonly throttled: number;
  readonly repeated: number;
  /** The segment in which this run found the most items: those of one partition key stay in one segment. */
  readonly largestSegment?: { readonly segment: number; readonly items: number };
  /** What the whole scan is expected to take, by the table's size: read units, seconds at its pace, and the price, with
   * what that is of, or why there is none. */
  readonly expected: {
    readonly readUnits: number;
    readonly seconds?: number;
    readonly price?: number;
    readonly currency?: string;
    readonly why: string;
  };
  /** Price of the read units that this run took; absent where there is none. */
  readonly price?: number;
  /** What it does with the rows of a table that was there; absent: there were none. */
  readonly writeMode?: LoadMode;
  /** Rows that went away because no item was seen of them; they are none of the counts. */
  readonly rowsRemoved: number;
  /** Of a scan that takes only items since a time. */
  readonly since?: {
    readonly attribute: string;
    /** The time that items must have at least. */
    readonly from: string;
    /** How numbers are read. */
    readonly unit: string;
    /** Times by format, of the items that were looked at first. */
    readonly formats: Readonly<Record<string, number>>;
    /** What becomes of items that have no such time. */
    readonly missing: 'keep' | 'drop';
    /** How many were taken although they have none. */
    readonly untimed: number;
  };
}

/** What `inspect` says of a DynamoDB table, from its description alone. */
export interface DynamoInspection {
  readonly kind: 'dynamodb';
  readonly uri: string;
  readonly tableArn: string;
  readonly tableId: string;
  readonly tableName: string;
  readonly status: string;
  /** Partition key first, with types as DynamoDB writes them: S, N or B. */
  readonly key: readonly { readonly attribute: string; readonly type: string }[];
  /** As DynamoDB counted them up to six hours ago. */
  readonly items: number;
  readonly bytes: number;
  readonly billing: 'provisioned' | 'on-demand';
  /** Units a second; absent where the table has no such number. */
  readonly reads: CapacityNumbers;
  readonly writes: CapacityNumbers;
  /** The pace of a scan with these options, and why; null: as many as the table gives. */
  readonly rate: ScanReport['rate'];
  /** What a whole scan would take. */
  readonly expected: ScanReport['expected'];
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
}

export interface CapacityNumbers {
  readonly provisioned?: number;
  /** The most that an on-demand table may take, where its owner set one. */
  readonly maximum?: number;
  /** What the table can take at once. */
  readonly warm?: number;
}
