import type { PolicyStatement } from './doctor.ts';
import { asTailraceError, type TailraceError } from './errors.ts';

/** What came of one thing that was tried. */
export interface Finding {
  /** As part of a sentence: `read the entry of the table`. */
  readonly what: string;
  readonly state: 'passed' | 'failed' | 'untried';
  readonly found?: string;
  readonly error?: TailraceError;
  readonly needs: readonly PolicyStatement[];
}

/** What was tried at one end, in order: a failure is a finding, and ends nothing by itself. */
export class Findings {
  readonly all: Finding[] = [];

  get failed(): boolean {
    return this.all.some(({ state }) => state === 'failed');
  }

  /**
   * Tries something; undefined: it failed. `needs`: what AWS must grant for it. `tell`: what was found, from its value.
   */
  async try<T>(
    what: string,
    needs: readonly PolicyStatement[],
    work: () => Promise<T>,
    tell: (value: T) => string | undefined = () => undefined,
  ): Promise<{ readonly value: T } | undefined> {
    try {
      const value = await work();
      const found = tell(value);
      this.all.push({ what, state: 'passed', needs, ...(found === undefined ? {} : { found }) });
      return { value };
    } catch (thrown) {
      this.fail(what, thrown, needs);
      return undefined;
    }
  }

  /** What failed. */
  fail(what: string, thrown: unknown, needs: readonly PolicyStatement[] = []): void {
    this.all.push({ what, state: 'failed', needs, error: asTailraceError(thrown) });
  }

  /** What is left out, and why. */
  untried(what: string, why: string, needs: readonly PolicyStatement[] = []): void {
    this.all.push({ what, state: 'untried', found: why, needs });
  }
}
