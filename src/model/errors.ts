/**
 * Every way a run can fail, in one table: the code that users and scripts see,
 * the exit code of the command, and what the code means. The reference page
 * docs/reference/errors.md is held against this table by a test.
 */
export const ERROR_CODES = {
  USAGE: { exit: 2, meaning: 'The command line names an unknown verb, option or value.' },
  CONFIG: { exit: 2, meaning: 'A configuration file or environment setting is wrong.' },
  SCHEMA_FILE: { exit: 2, meaning: 'A schema file cannot be read or contradicts itself.' },
  SOURCE_NOT_FOUND: { exit: 3, meaning: 'Nothing that can be read lies at the place that was named.' },
  MANIFEST_BAD: { exit: 3, meaning: 'A manifest is missing, broken or contradicts itself.' },
  MANIFEST_CHECKSUM: { exit: 3, meaning: 'A manifest disagrees with its checksum file.' },
  DATA_MISSING: { exit: 3, meaning: 'A data file that the manifest names is missing or cut short.' },
  INPUT_BAD: { exit: 3, meaning: 'What is to be loaded is not in the format that was expected.' },
  DATA_CHECKSUM: { exit: 3, meaning: 'Data is not what its manifest or checksum says.' },
  COUNT_MISMATCH: { exit: 3, meaning: 'The counts of manifest, files and lines disagree.' },
  ITEM_REJECTED: {
    exit: 3,
    meaning: 'An item cannot be loaded, and --strict was given; or load finds every item refused for the same reason.',
  },
  SCHEMA_DRIFT: { exit: 3, meaning: 'The data does not fit the schema, and the options forbid a rescue.' },
  QUERY: { exit: 3, meaning: 'A query was refused by the engine.' },
  TARGET_NOT_FOUND: { exit: 3, meaning: 'No table lies at the place that was named.' },
  TARGET_BAD: { exit: 3, meaning: 'What lies at the target is not a table that tailrace can use.' },
  CATALOG: { exit: 3, meaning: 'A catalog has no such namespace, or refuses what was asked of it.' },
  LEDGER_REFUSED: {
    exit: 4,
    meaning: 'The table holds another table or load, or there is a gap before what is offered.',
  },
  DELETES_REFUSED: { exit: 4, meaning: 'The run would delete more rows than --max-delete allows.' },
  COMMIT_CONFLICT: { exit: 5, meaning: 'Another writer changed the table first, or holds its lock.' },
  COMMIT_UNKNOWN: { exit: 5, meaning: 'It cannot be told whether the commit took place.' },
  ACCESS_DENIED: { exit: 6, meaning: 'A store refused the credentials or the permission.' },
  UNREACHABLE: { exit: 6, meaning: 'A store or service does not answer.' },
  DISK_FULL: { exit: 1, meaning: 'A disk or its quota is full.' },
  TEMP_BUDGET: { exit: 1, meaning: 'The temporary folder would outgrow its budget.' },
  MEMORY_LIMIT: { exit: 1, meaning: 'The engine needs more memory than its limit.' },
  ENGINE: { exit: 1, meaning: 'The engine failed in a way that has no better name.' },
  INTERNAL: { exit: 1, meaning: 'A fault of tailrace itself.' },
  INTERRUPTED: { exit: 130, meaning: 'The run was interrupted; the table is as it was.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** What should have been there. */
  readonly expected?: string;
  /** What was there instead. */
  readonly found?: string;
  /** File, line, key or option path: where to look. */
  readonly place?: string;
  /** The remedy: one sentence that says what to do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error type that leaves tailrace. `message` is a whole sentence without the hint. */
export class TailraceError extends Error {
  readonly code: ErrorCode;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly place: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TailraceError';
    this.code = code;
    this.expected = details.expected;
    this.found = details.found;
    this.place = details.place;
    this.hint = details.hint;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }
}

/** Any thrown value as a TailraceError; what was unforeseen becomes INTERNAL. */
export function asTailraceError(thrown: unknown): TailraceError {
  if (thrown instanceof TailraceError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new TailraceError('INTERNAL', message, {
    cause: thrown,
    hint: 'Run again with --log-level debug and report the output.',
  });
}
