import { styleText } from 'node:util';
import type { Sink } from './sink.ts';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

/** Colours for a terminal; plain text for everything else, and where NO_COLOR is set. */
export function styleFor(sink: Pick<Sink, 'isTerminal'>, env: Readonly<Record<string, string | undefined>>): Style {
  const colour = sink.isTerminal && !env['NO_COLOR'];
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string): string => (colour ? styleText(format, text) : text);
  return { bold: paint('bold'), dim: paint('dim'), good: paint('green'), warn: paint('yellow'), bad: paint('red') };
}
