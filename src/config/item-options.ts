import type { OptionSpec } from './option-spec.ts';

/** More deletes than this in one run are rather a mistake. */
export const DEFAULT_MAX_DELETE = { share: 0.1 };
/** Clocks of writers differ, and a write takes its time. */
export const DEFAULT_OVERLAP_MS = 300_000;

/** Options that say which items a run takes, and what becomes of rows that are there. */
export const ITEM_OPTIONS = {
  filter: {
    kind: 'text',
    group: 'run',
    placeholder: 'CONDITION',
    default: 'none',
    none: true,
    help: 'items to load: "color <> \'undefined\' and quantity is not null"',
  },
} as const satisfies Record<string, OptionSpec>;

/** The same for items that are read as they are now, by a scan. */
export const STATE_OPTIONS = {
  since: {
    kind: 'text',
    group: 'scan',
    placeholder: 'TIME',
    default: 'none',
    help: 'only items written since then: 2024-01-15, 15-01-2024, a time, an epoch, or last; with --since-attribute',
  },
  sinceAttribute: {
    kind: 'text',
    group: 'scan',
    placeholder: 'NAME',
    default: 'none',
    help: 'attribute with the time of the last write, for --since',
  },
  sinceFormat: {
    kind: 'choice',
    group: 'scan',
    placeholder: 'FORMAT',
    choices: ['auto', 'epoch-s', 'epoch-ms', 'epoch-us'],
    default: 'auto',
    help: 'unit of numbers in that attribute; auto: each by its size',
  },
  sinceOverlap: {
    kind: 'duration',
    group: 'scan',
    placeholder: 'TIME',
    default: '5m',
    help: 'how far before what the table holds --since last begins',
  },
  sinceMissing: {
    kind: 'choice',
    group: 'scan',
    placeholder: 'WHAT',
    choices: ['keep', 'drop'],
    default: 'keep',
    help: 'what becomes of items without a time in that attribute',
  },
  writeMode: {
    kind: 'choice',
    group: 'scan',
    placeholder: 'MODE',
    choices: ['mirror', 'append', 'upsert', 'overwrite-partitions', 'overwrite'],
    default: 'mirror',
    help: 'what becomes of the rows of a table that is there',
  },
  maxDelete: {
    kind: 'limit',
    group: 'scan',
    placeholder: 'LIMIT',
    default: '10%',
    help: 'most rows that a run may delete because their items are gone: 10%, or a number of rows',
  },
  yes: {
    kind: 'switch',
    group: 'scan',
    default: 'false',
    help: '--write-mode overwrite is meant',
  },
  prices: {
    kind: 'path',
    group: 'scan',
    placeholder: 'FILE',
    default: 'those of this version',
    help: 'price file to reckon with in place of our own; local',
  },
} as const satisfies Record<string, OptionSpec>;
