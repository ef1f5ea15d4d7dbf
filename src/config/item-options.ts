import type { OptionSpec } from './option-spec.ts';

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
