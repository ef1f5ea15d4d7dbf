import type { CapacityRate, DeleteLimit } from '../model/options.ts';

/** Where an option stands in the help and in the reference. */
export type OptionGroup = 'schema' | 'layout' | 'run' | 'scan' | 'resources' | 'catalog' | 'aws' | 'output';

/** How an option's value is written; every kind has its parser in values.ts. */
export type OptionKind =
  | 'text'
  | 'texts'
  | 'path'
  | 'names'
  | 'clauses'
  | 'size'
  | 'duration'
  | 'time'
  | 'count'
  | 'rate'
  | 'limit'
  | 'switch'
  | 'choice'
  | 'definitions';

/** What each kind's parser gives. */
export interface ValueOfKind {
  readonly text: string;
  readonly path: string;
  readonly names: readonly string[];
  readonly clauses: string;
  readonly size: number;
  readonly duration: number;
  /** As it was written. */
  readonly time: string;
  readonly count: number;
  readonly rate: CapacityRate;
  readonly limit: DeleteLimit;
  readonly switch: boolean;
  readonly definitions: readonly string[];
}

/** One option: the same words as flag (`--memory-limit`), key (`memoryLimit`) and variable (`TAILRACE_MEMORY_LIMIT`). */
export interface OptionSpec {
  readonly kind: OptionKind;
  readonly group: OptionGroup;
  /** What stands for the value in the help. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  /** The value of a flag that is given without one. */
  readonly preset?: string;
  /** Bounds of counts and sizes, inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** The default as people read it; absent where there is none. */
  readonly default?: string;
  readonly help: string;
  /** Where the key stands in tailrace.yaml, if not at the top of the file or pipeline. */
  readonly filePath?: readonly [end: 'source' | 'target', section: 'aws', key: string];
  /** `--no-…`, or `false` in the file, takes it back: what the file or the environment says, and what a table keeps. */
  readonly none?: true;
  /** No key of tailrace.yaml: what it says stands there in another form. */
  readonly flagOnly?: true;
  /** Only for the whole file, not for one pipeline. */
  readonly topOnly?: true;
}

/** `memoryLimit` → `--memory-limit`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `memoryLimit` → `TAILRACE_MEMORY_LIMIT`. */
export function variableOf(key: string): string {
  return `TAILRACE_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
