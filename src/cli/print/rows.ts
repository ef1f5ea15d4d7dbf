import type { QueryResult } from '../../model/report.ts';
import { cellJson, cellText, isNumber } from './cells.ts';
import { type Decimals, decimalsOf } from './decimals.ts';
import type { Sink } from './sink.ts';
import type { Style } from './style.ts';
import { cutText, textWidth, visible } from './text-width.ts';

const BATCH_ROWS = 500;
const CELL_COLUMNS_MAX = 60;
const FLUSH_CHARACTERS = 64 * 1024;

type Columns = QueryResult['columns'];
type Rows = QueryResult['rows'];

/** Collects small texts into larger writes, and waits where the reader is slow. */
export class Chunks {
  private readonly sink: Sink;
  private text = '';

  constructor(sink: Sink) {
    this.sink = sink;
  }

  async add(text: string): Promise<void> {
    this.text += text;
    if (this.text.length >= FLUSH_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.text;
    this.text = '';
    await this.sink.write(text);
  }
}

/** Comma-separated values by RFC 4180 with a header: null is nothing, an empty text is `""`. */
export async function printCsv(columns: Columns, rows: Rows, sink: Sink): Promise<number> {
  const out = new Chunks(sink);
  await out.add(`${columns.map((column) => csvField(column.name)).join(',')}\n`);
  const decimals = columns.map((column) => decimalsOf(column.type));
  let count = 0;
  for await (const row of rows) {
    if (sink.closed) break;
    await out.add(`${row.map((cell, index) => csvCell(cell, decimals[index])).join(',')}\n`);
    count += 1;
  }
  await out.flush();
  return count;
}

function csvCell(cell: unknown, decimals: Decimals | undefined): string {
  return cell === null || cell === undefined ? '' : csvField(cellText(cell, decimals));
}

function csvField(text: string): string {
  return text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Names made unique, since a JSON object holds each once: `a`, `a:1`. */
export function uniqueNames(columns: Columns): readonly string[] {
  const taken = new Set<string>();
  return columns.map(({ name }) => {
    let unique = name;
    for (let number = 1; taken.has(unique); number += 1) unique = `${name}:${number}`;
    taken.add(unique);
    return unique;
  });
}

/**
 * A JSON array of objects, one row a line. When the rows break off midway, what was printed cannot be taken back:
 * `onError` then gives a last element, the document ends well, and the error is returned.
 */
export async function printJson(
  columns: Columns,
  rows: Rows,
  sink: Sink,
  onError: (thrown: unknown) => string,
): Promise<{ readonly brokenBy: unknown } | undefined> {
  const out = new Chunks(sink);
  const names = uniqueNames(columns).map((name) => JSON.stringify(name));
  const decimals = columns.map((column) => decimalsOf(column.type));
  let separator = '[\n';
  const iterator = rows[Symbol.asyncIterator]();
  try {
    // Nothing is printed before the first row is there: a query that fails at once is one plain error document.
    let next = await iterator.next();
    try {
      while (next.done !== true && !sink.closed) {
        const row = next.value;
        await out.add(
          `${separator}{${names.map((name, index) => `${name}:${cellJson(row[index], decimals[index])}`).join(',')}}`,
        );
        separator = ',\n';
        next = await iterator.next();
      }
    } catch (thrown) {
      await out.add(`${separator}${onError(thrown)}\n]\n`);
      await out.flush();
      return { brokenBy: thrown };
    }
    await out.add(separator === '[\n' ? '[]\n' : '\n]\n');
    await out.flush();
    return undefined;
  } finally {
    await iterator.return?.();
  }
}

/** An aligned table for a terminal. Widths come from the first rows; later cells that are longer are cut. */
export async function printTable(columns: Columns, rows: Rows, sink: Sink, style: Style): Promise<number> {
  const decimals = columns.map((column) => decimalsOf(column.type));
  let count = 0;
  let widths: readonly number[] | undefined;
  let batch: (readonly unknown[])[] = [];
  const show = async (): Promise<void> => {
    const cells = batch.map((row) =>
      columns.map((_, index) => ({
        text: shown(row[index], decimals[index]),
        right: isNumber(row[index], decimals[index]),
      })),
    );
    widths ??= columns.map((column, index) =>
      Math.min(
        CELL_COLUMNS_MAX,
        Math.max(textWidth(visible(column.name)), 1, ...cells.map((row) => textWidth(row[index]?.text ?? ''))),
      ),
    );
    if (count === 0) await sink.write(header(columns, widths, style));
    const lines = cells.map((row) => line(row, widths ?? []));
    await sink.write(lines.map((text) => `${text}\n`).join(''));
    count += batch.length;
    batch = [];
  };
  for await (const row of rows) {
    if (sink.closed) return count;
    batch.push(row);
    if (batch.length >= BATCH_ROWS) await show();
  }
  if (batch.length > 0 || count === 0) await show();
  return count;
}

function shown(cell: unknown, decimals: Decimals | undefined): string {
  return cell === null || cell === undefined ? 'NULL' : visible(cellText(cell, decimals));
}

function header(columns: Columns, widths: readonly number[], style: Style): string {
  const names = line(
    columns.map((column) => ({ text: visible(column.name), right: false })),
    widths,
  );
  return `${style.bold(names)}\n${style.dim(widths.map((width) => '─'.repeat(width)).join('  '))}\n`;
}

function line(cells: readonly { readonly text: string; readonly right: boolean }[], widths: readonly number[]): string {
  return cells
    .map(({ text, right }, index) => {
      const width = widths[index] ?? 0;
      const cut = cutText(text, width);
      const gap = ' '.repeat(Math.max(0, width - textWidth(cut)));
      return right ? `${gap}${cut}` : `${cut}${gap}`;
    })
    .join('  ')
    .trimEnd();
}
