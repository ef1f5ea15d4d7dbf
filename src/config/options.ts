/**
 * Every option, once. Flags, keys of tailrace.yaml, environment variables, help and defaults all come from this table;
 * docs/reference/cli.md and config.md are held against it by a test. It imports nothing heavy: the help needs it.
 */
import { AWS_OPTIONS } from './aws-options.ts';
import { ITEM_OPTIONS, STATE_OPTIONS } from './item-options.ts';
import type { OptionSpec, ValueOfKind } from './option-spec.ts';
import { SCAN_OPTIONS } from './scan-options.ts';

/** Defaults of numbers that help and parser share. */
export const DEFAULT_MEMORY_BYTES = 420e6;
export const DEFAULT_TEMP_BUDGET_BYTES = 4e9;
export const DEFAULT_TARGET_FILE_BYTES = 512e6;
export const DEFAULT_BATCH_BYTES = 256e6;
/** Tables up to this size are rewritten in a few minutes on one machine; more is the user's decision. */
export const DEFAULT_REWRITE_LIMIT_BYTES = 10e9;
export const DEFAULT_MAX_COLUMNS = 500;
export const DEFAULT_MAX_DEPTH = 10;
export const MAX_DEFAULT_THREADS = 8;
/**
 * What loads of some dozens of columns were found to need, plain, sorted and partitioned: with one thread, and for each
 * further one. The engine reads through a buffer of 32 MiB a thread.
 */
export const MIN_MEMORY_BYTES = 128e6;
export const THREAD_MEMORY_BYTES = 40e6;

export const OPTIONS = {
  schema: {
    kind: 'path',
    group: 'schema',
    placeholder: 'FILE',
    none: true,
    help: 'schema file: ours in YAML, or the flat {"attribute": "S"}; local or s3://',
  },
  key: {
    kind: 'names',
    group: 'schema',
    placeholder: 'PK[,SK]',
    default: 'asked of DynamoDB for exports on S3, when permitted',
    help: 'key attributes of the table, partition key first',
  },
  timestamps: {
    kind: 'choice',
    group: 'schema',
    placeholder: 'MODE',
    choices: ['off', 'auto'],
    default: 'off',
    help: 'make attributes that always hold times timestamps',
  },
  onMixed: {
    kind: 'choice',
    group: 'schema',
    placeholder: 'MODE',
    choices: ['rescue', 'json', 'split', 'fail'],
    default: 'rescue',
    help: 'what becomes of an attribute with values of several types',
  },
  numbers: {
    kind: 'choice',
    group: 'schema',
    placeholder: 'MODE',
    choices: ['exact', 'double', 'string'],
    default: 'exact',
    help: 'how numbers are stored; double loses digits, and the report says so',
  },
  maxColumns: {
    kind: 'count',
    group: 'schema',
    placeholder: 'N',
    min: 1,
    max: 10_000,
    default: String(DEFAULT_MAX_COLUMNS),
    help: 'most top-level columns; rarer attributes stay in _rescued',
  },
  maxDepth: {
    kind: 'count',
    group: 'schema',
    placeholder: 'N',
    min: 1,
    max: 32,
    default: String(DEFAULT_MAX_DEPTH),
    help: 'deepest nesting that becomes columns; deeper values become DynamoDB JSON, as text',
  },
  include: {
    kind: 'names',
    group: 'schema',
    placeholder: 'NAMES',
    default: 'all attributes',
    none: true,
    help: 'attributes that get columns; the others stay in _rescued',
  },
  exclude: {
    kind: 'names',
    group: 'schema',
    placeholder: 'NAMES',
    default: 'none',
    none: true,
    help: 'attributes to drop everywhere',
  },
  partition: {
    kind: 'clauses',
    group: 'layout',
    placeholder: 'SPEC',
    default: 'none',
    none: true,
    help: 'partition fields: "day(created_at), bucket(16, pk), region"',
  },
  sort: {
    kind: 'clauses',
    group: 'layout',
    placeholder: 'SPEC',
    default: 'none',
    none: true,
    help: 'order of the rows within files: "pk, created_at desc"',
  },
  targetFileSize: {
    kind: 'size',
    group: 'layout',
    placeholder: 'SIZE',
    min: 1,
    default: '512MB',
    help: 'size to aim at for data files',
  },
  location: {
    kind: 'path',
    group: 'layout',
    placeholder: 'PLACE',
    default: "the catalog's own",
    help: 'folder of a new table in a catalog',
  },
  sse: {
    kind: 'choice',
    group: 'layout',
    placeholder: 'ALGORITHM',
    choices: ['aws:kms', 'AES256'],
    default: "the bucket's own",
    help: 'server-side encryption of what is written to S3',
  },
  sseKmsKeyId: {
    kind: 'text',
    group: 'layout',
    placeholder: 'KEY',
    default: "the account's own key",
    help: 'KMS key for --sse aws:kms',
  },
  mode: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['mirror', 'history'],
    default: 'as the table has it, mirror for a new one',
    help: 'what the rows are: the present state of each item, or one row for each change',
  },
  deletes: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['hard', 'soft'],
    default: 'as the table has it, hard for a new one',
    help: 'what becomes of deleted items: gone, or marked in _deleted',
  },
  write: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['auto', 'merge-on-read', 'copy-on-write'],
    default: 'auto',
    help: 'how changed rows are written: position deletes, whole files anew, or what is cheaper for each file',
  },
  onDrift: {
    kind: 'choice',
    group: 'run',
    placeholder: 'MODE',
    choices: ['rewrite', 'rescue', 'fail'],
    default: 'rewrite',
    help: 'what becomes of numbers that do not fit the column that is there',
  },
  rewriteLimit: {
    kind: 'size',
    group: 'run',
    placeholder: 'SIZE',
    min: 0,
    default: '10GB',
    help: 'most bytes of a table that --on-drift rewrite writes anew',
  },
  ...ITEM_OPTIONS,
  acceptGap: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'go on over a time that no export covers, and record the gap',
  },
  adopt: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'take over an Iceberg table that another tool made, from --from-time on',
  },
  fromTime: {
    kind: 'time',
    group: 'run',
    placeholder: 'TIME',
    default: 'none',
    help: 'with --adopt: time before which every change is in the table, such as 2026-03-01T12:00:00Z',
  },
  upkeep: {
    kind: 'switch',
    group: 'run',
    default: 'true',
    help: 'look after small files and old metadata within sync; --no-upkeep leaves them',
  },
  replace: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'swap all rows for those of another full export of the same table',
  },
  strict: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'stop at the first item that cannot be loaded',
  },
  trustManifest: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'load even if a manifest disagrees with its checksum file',
  },
  rejects: {
    kind: 'path',
    group: 'run',
    placeholder: 'DIR',
    default: 'below ~/.local/state/tailrace',
    help: 'folder for items that cannot be loaded',
  },
  createNamespace: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: "make the target's namespace in its catalog, if it is not there",
  },
  partitionProjection: {
    kind: 'switch',
    group: 'layout',
    default: 'as the entry has it, false for a new one',
    help: 'Athena works out the partitions of a Parquet table in a catalog, and they are not listed there',
  },
  register: {
    kind: 'path',
    group: 'run',
    placeholder: 'PLACE',
    default: 'none',
    help: "put the table that lies there into the target's catalog, if that has none of the name",
  },
  dryRun: {
    kind: 'switch',
    group: 'run',
    default: 'false',
    help: 'say what a run would do, and change nothing',
  },
  ...SCAN_OPTIONS,
  ...STATE_OPTIONS,
  memoryLimit: {
    kind: 'size',
    group: 'resources',
    placeholder: 'SIZE',
    min: MIN_MEMORY_BYTES,
    default: '420MB',
    help: 'memory of the engine; what needs more goes to the temporary folder',
  },
  threads: {
    kind: 'count',
    group: 'resources',
    placeholder: 'N',
    min: 1,
    max: 256,
    default: 'one a core, at most 8, and what the memory allows',
    help: 'threads of the engine',
  },
  batchSize: {
    kind: 'size',
    group: 'resources',
    placeholder: 'SIZE',
    min: 1,
    default: '256MB',
    help: 'compressed source data that is written, and made resumable, at a time',
  },
  tempDir: {
    kind: 'path',
    group: 'resources',
    placeholder: 'DIR',
    default: "a fresh folder below the system's",
    help: 'folder for temporary files; left empty',
  },
  tempBudget: {
    kind: 'size',
    group: 'resources',
    placeholder: 'SIZE',
    min: 1,
    default: '4GB',
    help: 'most that fetched files, and likewise what the engine spills, may take of the temporary folder',
  },
  catalog: {
    kind: 'definitions',
    group: 'catalog',
    placeholder: 'DEFINITION',
    default: 'those of tailrace.yaml',
    flagOnly: true,
    topOnly: true,
    help: 'a catalog: NAME=TYPE[,KEY=VALUE …], with the keys of catalogs: in tailrace.yaml; may be repeated',
  },
  ...AWS_OPTIONS,
  json: {
    kind: 'switch',
    group: 'output',
    default: 'false',
    topOnly: true,
    help: 'print exactly one JSON document on stdout',
  },
  logLevel: {
    kind: 'choice',
    group: 'output',
    placeholder: 'LEVEL',
    choices: ['debug', 'info', 'warn', 'silent'],
    default: 'warn',
    topOnly: true,
    help: 'how much to log on stderr',
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof OPTIONS;

type ValueOf<S> = S extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
  ? C
  : S extends { readonly kind: infer K extends keyof ValueOfKind }
    ? ValueOfKind[K]
    : never;

/** What a source of settings may give: every option, parsed. */
export type OptionValues = { readonly [K in OptionKey]?: ValueOf<(typeof OPTIONS)[K]> };

/** Keys with their specs, in the order of the help. */
export const OPTION_ENTRIES = Object.entries(OPTIONS) as readonly (readonly [OptionKey, OptionSpec])[];
