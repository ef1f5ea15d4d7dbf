import { availableParallelism } from 'node:os';
import { TailraceError } from '../model/errors.ts';
import {
  type AwsSettings,
  KEPT_OPTIONS,
  type PartitionRequest,
  type SinceOptions,
  type SyncOptions,
} from '../model/options.ts';
import type { SortField, TableMode } from '../model/table.ts';
import { DEFAULT_MAX_DELETE, DEFAULT_OVERLAP_MS } from './item-options.ts';
import type { Layer } from './layers.ts';
import {
  DEFAULT_BATCH_BYTES,
  DEFAULT_MAX_COLUMNS,
  DEFAULT_MAX_DEPTH,
  DEFAULT_MEMORY_BYTES,
  DEFAULT_REWRITE_LIMIT_BYTES,
  DEFAULT_TARGET_FILE_BYTES,
  DEFAULT_TEMP_BUDGET_BYTES,
  MAX_DEFAULT_THREADS,
  MIN_MEMORY_BYTES,
  type OptionKey,
  type OptionValues,
  THREAD_MEMORY_BYTES,
} from './options.ts';
import { DEFAULT_COMMIT_EVERY_MS } from './scan-options.ts';
import { formatSize } from './sizes.ts';

/** The grammars of --partition, --sort and --filter, which belong to the schema. */
export interface ClauseParsers {
  readonly parsePartition: (text: string) => readonly PartitionRequest[];
  readonly parseSort: (text: string) => readonly SortField[];
  /** Checks a filter, and gives it its one spelling. */
  readonly normalFilter: (text: string) => string;
  /** Microseconds since 1970, or `last`. */
  readonly parseSince: (text: string) => string;
}

/** Merges layers, lowest first, into the options of a run, with defaults for what nobody set. */
export function resolveOptions(layers: readonly Layer[], parsers: ClauseParsers): SyncOptions {
  const values: OptionValues = Object.assign({}, ...layers.map((layer) => layer.values));
  const blame = blamer(layers);
  checkTogether(values, blame);
  const memoryLimitBytes = values.memoryLimit ?? DEFAULT_MEMORY_BYTES;
  return {
    given: KEPT_OPTIONS.filter((key) => values[key] !== undefined),
    sourceAws: awsOf('source', layers),
    targetAws: awsOf('target', layers),
    schema: {
      key: values.key ?? [],
      timestamps: values.timestamps ?? 'off',
      onMixed: values.onMixed ?? 'rescue',
      numbers: values.numbers ?? 'exact',
      maxColumns: values.maxColumns ?? DEFAULT_MAX_COLUMNS,
      maxDepth: values.maxDepth ?? DEFAULT_MAX_DEPTH,
      include: values.include ?? [],
      exclude: values.exclude ?? [],
      filter: text('filter', values.filter, parsers.normalFilter, blame),
    },
    schemaFile: values.schema === '' ? undefined : values.schema,
    partition: clauses('partition', values.partition, parsers.parsePartition, blame),
    sort: clauses('sort', values.sort, parsers.parseSort, blame),
    replace: values.replace ?? false,
    strict: values.strict ?? false,
    trustManifest: values.trustManifest ?? false,
    mode: tableMode(values),
    write: values.write ?? 'auto',
    onDrift: values.onDrift ?? 'rewrite',
    rewriteLimitBytes: values.rewriteLimit ?? DEFAULT_REWRITE_LIMIT_BYTES,
    acceptGap: values.acceptGap ?? false,
    adopt: values.adopt ?? false,
    fromTime: values.fromTime,
    upkeep: values.upkeep ?? true,
    createNamespace: values.createNamespace ?? false,
    location: values.location,
    partitionProjection: values.partitionProjection,
    register: values.register,
    catalogs: {},
    dryRun: values.dryRun ?? false,
    rejects: values.rejects,
    memoryLimitBytes,
    threads: values.threads ?? Math.min(MAX_DEFAULT_THREADS, availableParallelism(), threadsWithin(memoryLimitBytes)),
    tempDir: values.tempDir,
    tempBudgetBytes: values.tempBudget ?? DEFAULT_TEMP_BUDGET_BYTES,
    targetFileSizeBytes: values.targetFileSize ?? DEFAULT_TARGET_FILE_BYTES,
    batchBytes: values.batchSize ?? DEFAULT_BATCH_BYTES,
    scan: {
      rcu: values.rcu,
      consistent: values.consistent ?? false,
      segments: values.segments,
      runId: values.runId,
      newScan: values.newScan ?? false,
      commitEveryMs: values.commitEvery ?? DEFAULT_COMMIT_EVERY_MS,
    },
    state: {
      mode: values.writeMode,
      maxDelete: values.maxDelete ?? DEFAULT_MAX_DELETE,
      yes: values.yes ?? false,
      since: sinceOf(values, parsers, blame),
      prices: values.prices,
    },
    sse:
      values.sse === undefined
        ? undefined
        : { algorithm: values.sse, ...(values.sseKmsKeyId === undefined ? {} : { kmsKeyId: values.sseKmsKeyId }) },
  };
}

type Blame = (key: OptionKey, message: string, hint: string, cause?: TailraceError) => TailraceError;

/** Errors that name the highest place where the option was written, since that is the one that counts. */
function blamer(layers: readonly Layer[]): Blame {
  return (key, message, hint, cause) => {
    const layer = layers.findLast((candidate) => candidate.places[key] !== undefined);
    const { expected, found } = cause ?? {};
    // Where in the text it is, a grammar says.
    const [character = ''] = /, character \d+$/.exec(cause?.place ?? '') ?? [];
    return new TailraceError(layer?.blame ?? 'USAGE', message, {
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      place: `${layer?.places[key] ?? key}${character}`,
      hint,
      cause,
    });
  };
}

/** --mode and --deletes are one property of a table; undefined: as the table has it. */
function tableMode({ mode, deletes }: OptionValues): TableMode | undefined {
  if (mode === 'history') return 'history';
  if (deletes === 'soft') return 'soft';
  return mode ?? (deletes === 'hard' ? 'mirror' : undefined);
}

/** How many threads can read side by side in so much memory: one in the least, and one more for each further buffer. */
function threadsWithin(memoryBytes: number): number {
  return Math.max(1, 1 + Math.floor((memoryBytes - MIN_MEMORY_BYTES) / THREAD_MEMORY_BYTES));
}

/** Options that contradict one another. */
function checkTogether(values: OptionValues, blame: Blame): void {
  if (values.key !== undefined && values.key.length > 2) {
    throw blame(
      'key',
      `A key has one or two attributes, not ${values.key.length}.`,
      'Name the partition key, then the sort key.',
    );
  }
  const { threads = 1, memoryLimit = DEFAULT_MEMORY_BYTES } = values;
  if (threads > threadsWithin(memoryLimit)) {
    const needed = formatSize(MIN_MEMORY_BYTES + (threads - 1) * THREAD_MEMORY_BYTES);
    throw blame(
      values.memoryLimit === undefined ? 'threads' : 'memoryLimit',
      `${threads} threads need ${needed} of memory, and the limit is ${formatSize(memoryLimit)}.`,
      `Give --memory-limit at least that, or --threads at most ${threadsWithin(memoryLimit)}.`,
    );
  }
  if (values.sseKmsKeyId !== undefined && values.sse !== 'aws:kms') {
    throw blame('sseKmsKeyId', 'A KMS key is named, but the encryption is not aws:kms.', 'Add --sse aws:kms.');
  }
  if (values.mode === 'history' && values.deletes === 'soft') {
    throw blame(
      'deletes',
      'A table of history has a row for each delete; there is nothing to mark.',
      'Leave out --deletes soft, or take --mode mirror.',
    );
  }
  const dropped = values.exclude ?? [];
  const both = values.include?.find((name) => dropped.includes(name));
  if (both !== undefined) {
    throw blame('exclude', `'${both}' is both included and excluded.`, 'Name it in one of the two.');
  }
  const keyDropped = values.key?.find((name) => dropped.includes(name));
  if (keyDropped !== undefined) {
    throw blame('exclude', `'${keyDropped}' is part of the key and cannot be excluded.`, 'Leave key attributes in.');
  }
}

function clauses<T>(
  key: 'partition' | 'sort',
  text: string | undefined,
  parse: (text: string) => readonly T[],
  blame: Blame,
): readonly T[] {
  return text === undefined ? [] : parsed(key, () => parse(text), blame);
}

function sinceOf(values: OptionValues, { parseSince }: ClauseParsers, blame: Blame): SinceOptions | undefined {
  const { since, sinceAttribute: attribute } = values;
  if (since === undefined || attribute === undefined) {
    if (since === undefined && attribute === undefined) return undefined;
    const [given, missing] =
      since === undefined ? (['sinceAttribute', '--since'] as const) : (['since', '--since-attribute'] as const);
    throw blame(given, `It is given without ${missing}.`, `Give both: --since last --since-attribute updatedAt.`);
  }
  return {
    attribute,
    start: parsed('since', () => parseSince(since), blame),
    format: values.sinceFormat ?? 'auto',
    overlapMs: values.sinceOverlap ?? DEFAULT_OVERLAP_MS,
    missing: values.sinceMissing ?? 'keep',
  };
}

function text(key: 'filter', value: string | undefined, parse: (text: string) => string, blame: Blame): string {
  return value === undefined || value === '' ? '' : parsed(key, () => parse(value), blame);
}

/** What a grammar makes of an option; where it refuses, the error names the place where the option was written. */
function parsed<T>(key: OptionKey, parse: () => T, blame: Blame): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TailraceError)) throw error;
    throw blame(key, error.message, error.hint ?? 'See docs/reference/cli.md.', error);
  }
}

/** Within one layer an end's own setting wins over the one for both; a higher layer wins over both of a lower one. */
function awsOf(end: 'source' | 'target', layers: readonly Layer[]): AwsSettings {
  const settings: { -readonly [K in keyof AwsSettings]: AwsSettings[K] } = {};
  for (const { values } of layers) {
    const own: AwsSettings =
      end === 'source'
        ? {
            ...given('profile', values.sourceProfile),
            ...given('region', values.sourceRegion),
            ...given('roleArn', values.sourceRoleArn),
            ...given('externalId', values.sourceExternalId),
            ...given('endpoint', values.sourceEndpoint),
            ...given('forcePathStyle', values.sourceForcePathStyle),
          }
        : {
            ...given('profile', values.targetProfile),
            ...given('region', values.targetRegion),
            ...given('roleArn', values.targetRoleArn),
            ...given('externalId', values.targetExternalId),
            ...given('endpoint', values.targetEndpoint),
            ...given('forcePathStyle', values.targetForcePathStyle),
          };
    Object.assign(
      settings,
      given('profile', values.profile),
      given('region', values.region),
      given('endpoint', values.endpointUrl),
      given('forcePathStyle', values.forcePathStyle),
      own,
    );
  }
  return settings;
}

/** `{ [name]: value }`, or nothing for undefined: optional properties are absent, never undefined. */
function given<K extends keyof AwsSettings>(name: K, value: AwsSettings[K] | undefined): AwsSettings {
  return value === undefined ? {} : { [name]: value };
}
