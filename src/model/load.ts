import type { CapacityRate, SyncOptions } from './options.ts';
import type { ReportError, Warning } from './report.ts';

export type LoadFormat = 'auto' | 'json' | 'jsonl' | 'csv' | 'ddb-json';

/** How pages of an HTTP API follow one another. Without any of them: by the header `Link: <…>; rel="next"`, if it is there. */
export interface HttpOptions {
  /** `Name: value`; `${NAME}` is taken from the environment. */
  readonly headers: readonly string[];
  /** Path to the next page's address, or token, in the page. */
  readonly nextPath?: string;
  /** Query parameter that takes the token; without it the token is an address. */
  readonly nextParam?: string;
  /** Query parameter that counts pages, or items. */
  readonly pageParam?: string;
  readonly pageStart: number;
  readonly pageStep: number;
  readonly maxPages?: number;
  /** Most bytes of one page. */
  readonly maxPageBytes: number;
  /** Further tries of a page that failed. */
  readonly retries: number;
  readonly timeoutMs: number;
}

/** What a load needs beside the options that all verbs share. Absent: the default. */
export interface LoadOptions extends SyncOptions {
  readonly format?: LoadFormat;
  /** Path to the items in a JSON document: `data.items`. */
  readonly items?: string;
  readonly delimiter?: string;
  /** Names of a CSV file's columns, where its first line does not have them. */
  readonly columns?: readonly string[];
  /** auto: numbers and booleans by what a CSV file's first records hold; text: all cells are texts. */
  readonly types?: 'auto' | 'text';
  /** Absent: kept, and in CSV dropped. */
  readonly empty?: 'keep' | 'null' | 'drop';
  readonly nulls?: 'keep' | 'drop';
  /** Top-level attributes whose lists are sets. */
  readonly sets?: readonly string[];
  /** `rename(a, b), cast(price, number), default(color, 'red'), now(created_at)`. */
  readonly transform?: string;
  /** Most items to read. */
  readonly limit?: number;
  /** Write units a second; absent: a share that others who use the table do not feel. */
  readonly wcu?: CapacityRate;
  readonly createTable?: boolean;
  /** Capacity of a new table, `RCU,WCU`; absent: on demand. */
  readonly provisioned?: string;
  /** Begins anew where an interrupted load would go on. */
  readonly restart?: boolean;
  readonly http?: Partial<HttpOptions>;
  /** Where `${NAME}` of addresses and headers is looked up; absent: this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The stable JSON of one `load`. read = written + replaced + rejected, of this run. */
export interface LoadReport {
  readonly outcome: 'loaded' | 'planned' | 'failed';
  readonly input: string;
  readonly target: string;
  /** As recognised or asked for. */
  readonly format?: Exclude<LoadFormat, 'auto'>;
  readonly counts: {
    readonly read: number;
    /** Items that DynamoDB took; in a plan, those that it would get. */
    readonly written: number;
    /** Items that gave way to a later one with the same key in the same batch. */
    readonly replaced: number;
    readonly rejected: number;
    /** Items that an interrupted run had dealt with, and that were passed over. */
    readonly resumed: number;
  };
  readonly table?: {
    readonly name: string;
    readonly arn?: string;
    /** Partition key first. */
    readonly key: readonly string[];
    readonly created: boolean;
  };
  /** Write units that DynamoDB charged; in a plan, those of the items without indexes. */
  readonly units: number;
  /** Units a second that were kept to; absent: no limit. */
  readonly pace?: number;
  /** Where the pace comes from: `as asked`, `25 % of 1000 provisioned`. */
  readonly paceWhy?: string;
  /** Price of the units, with what it is of, or why there is none; in a plan, of the units that the load would take. */
  readonly cost?: { readonly price?: number; readonly currency?: string; readonly why: string };
  readonly requests: { readonly sent: number; readonly throttled: number; readonly retried: number };
  /** Types of a CSV file's columns. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Pages of an HTTP API. */
  readonly pages?: number;
  readonly bytes: { readonly read: number };
  /** In a plan: the first item as it would be written, in DynamoDB JSON. */
  readonly example?: string;
  /** File with the items that could not be loaded. */
  readonly rejects?: string;
  readonly timings: { readonly totalMs: number };
  readonly peakMemoryBytes: number;
  readonly warnings: readonly Warning[];
  readonly error?: ReportError;
}
