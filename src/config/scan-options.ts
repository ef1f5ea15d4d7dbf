import type { OptionSpec } from './option-spec.ts';

/** Time after which a scan commits what it has read. */
export const DEFAULT_COMMIT_EVERY_MS = 300_000;

/** How a table is read that is its own source. */
export const SCAN_OPTIONS = {
  rcu: {
    kind: 'rate',
    group: 'scan',
    placeholder: 'RATE',
    default: '25% of what the table can give; 500 where it does not say',
    help: 'read units a second that a scan takes: 500, 30% (of provisioned, on-demand maximum, warm or recent use), unlimited',
  },
  consistent: {
    kind: 'switch',
    group: 'scan',
    default: 'false',
    help: 'strongly consistent reads, for twice the read units',
  },
  segments: {
    kind: 'count',
    group: 'scan',
    placeholder: 'N',
    min: 1,
    max: 1_000_000,
    default: "by the table's size, as an interrupted scan has it",
    help: 'parts in which a scan reads the table, many more than are read at a time',
  },
  commitEvery: {
    kind: 'duration',
    group: 'scan',
    placeholder: 'TIME',
    default: '5m',
    help: 'time after which a scan commits what it has read, and a killed one goes on behind it',
  },
  runId: {
    kind: 'text',
    group: 'scan',
    placeholder: 'ID',
    default: 'one of its own for each run',
    help: 'name of the run: once it is in the table, the same command changes nothing',
  },
  newScan: {
    kind: 'switch',
    group: 'scan',
    default: 'false',
    help: 'give up the interrupted scan that the table holds, and begin a new one',
  },
} as const satisfies Record<string, OptionSpec>;
