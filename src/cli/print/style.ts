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
  // util.styleText would look at this process's own stdout, not at the sink.
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      colour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), warn: paint(33, 39), bad: paint(31, 39) };
}
