import type { OptionValues } from '../../config/options.ts';
import type { RunContext } from '../../model/options.ts';
import type { Redactor } from './redact.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';

export type LogLevel = NonNullable<OptionValues['logLevel']>;

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, silent: 3 };

export interface LogTarget {
  readonly level: LogLevel;
  /** Terminals get lines for people, everything else one JSON object a line. */
  readonly isTerminal: boolean;
  readonly style: Style;
  readonly redact: Redactor;
  /** Takes whole lines. */
  readonly write: (text: string) => void;
}

/** The log of a run. The logger proper is loaded at the first line that is really written. */
export function createLog({ level, isTerminal, style, redact, write }: LogTarget): {
  log: RunContext['log'];
  done: () => Promise<void>;
} {
  let pending: Promise<void> = Promise.resolve();
  let lines: Promise<import('pino').Logger> | undefined;
  const jsonLines = (): Promise<import('pino').Logger> =>
    import('pino').then(({ pino }) =>
      pino({ level: 'debug', base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write }),
    );
  return {
    log(lineLevel, message, fields = {}) {
      if (RANK[lineLevel] < RANK[level]) return;
      const text = redact.text(message);
      const safe = redact.value(fields) as Record<string, unknown>;
      if (isTerminal) {
        const paint = lineLevel === 'warn' ? style.warn : style.dim;
        write(`${paint(lineLevel.padEnd(5))} ${visible(text)}${style.dim(visible(fieldText(safe)))}\n`);
        return;
      }
      lines ??= jsonLines();
      const logger = lines;
      pending = pending.then(async () => (await logger)[lineLevel](safe, text));
    },
    done: () => pending,
  };
}

function fieldText(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}
