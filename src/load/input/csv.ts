import { Readable } from 'node:stream';
import type { CsvError, Info, Options } from 'csv-parse';
import { TailraceError } from '../../model/errors.ts';
import { decodeUtf8 } from '../../source/lines/parse.ts';
import { LineFault } from '../../source/lines/scan.ts';
import { MAX_ELEMENT_BYTES } from './elements.ts';

export interface CsvRecord {
  /** The line on which the record ends, 1-based. */
  readonly line: number;
  readonly raw: Buffer;
  /** By the names of the columns. Throws LineFault where the record is none. */
  cells(): ReadonlyMap<string, string>;
}

/** What csv-parse gives for a record, or for one that it could not read. */
interface Parsed {
  readonly line: number;
  readonly raw: string;
  readonly cells?: readonly string[];
  readonly fault?: string;
}

/**
 * The records of a CSV file by RFC 4180. The parser sees each byte as a character, so that text in a wrong encoding is
 * refused record by record, rather than filled with replacement characters.
 */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  { delimiter, columns, place }: { delimiter: string; columns: readonly string[] | undefined; place: string },
): AsyncGenerator<CsvRecord> {
  const sound = soundRecord(delimiter);
  let names = columns;
  for await (const parsed of parsedRecords(chunks, delimiter, place)) {
    if (names === undefined) {
      names = headerOf(parsed, place);
      continue;
    }
    const header = names;
    yield {
      line: parsed.line,
      raw: Buffer.from(parsed.raw.replace(/\r?\n$/, ''), 'latin1'),
      cells: () => named(parsed, header, sound),
    };
  }
}

async function* parsedRecords(
  chunks: AsyncIterable<Uint8Array>,
  delimiter: string,
  place: string,
): AsyncGenerator<Parsed> {
  const { parse } = await import('csv-parse');
  const skipped: Parsed[] = [];
  const options: Options = {
    encoding: 'latin1',
    delimiter,
    info: true,
    raw: true,
    relax_column_count: true,
    // A misplaced quote must not take the records behind it along: it is found in the record's own text.
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_ELEMENT_BYTES,
    on_skip: (error: CsvError | undefined, raw: string | undefined) => {
      const line = typeof error?.['lines'] === 'number' ? error['lines'] : 0;
      skipped.push({ line, raw: raw ?? '', fault: sentence(error?.message ?? 'not a CSV record') });
    },
  };
  const source = Readable.from(chunks, { objectMode: false });
  const parser = source.on('error', (error) => parser.destroy(error)).pipe(parse(options));
  try {
    for await (const each of parser) {
      const { info, raw, record } = each as { info: Info; raw: string; record: string[] };
      while ((skipped[0]?.line ?? info.lines) < info.lines) yield skipped.shift() as Parsed;
      yield { line: info.lines, raw, cells: record };
    }
    yield* skipped;
  } catch (thrown) {
    const code = String((thrown as { code?: unknown }).code ?? '');
    if (!code.startsWith('CSV_')) throw thrown;
    throw new TailraceError('INPUT_BAD', `${place} is no CSV file from some line on: ${(thrown as Error).message}.`, {
      place,
      hint: 'Mend the quotes there, or name another --delimiter; what came before is loaded.',
      cause: thrown,
    });
  } finally {
    source.destroy();
    parser.destroy();
  }
}

function headerOf({ cells = [], fault }: Parsed, place: string): readonly string[] {
  const bare = cells.map((cell, index) => (index === 0 ? cell.replace(/^\u00ef\u00bb\u00bf/, '') : cell));
  if (bare.some((cell) => textOf(cell) === undefined)) {
    throw new TailraceError('INPUT_BAD', `The names of the columns of ${place} are not UTF-8.`, {
      place: `${place}, line 1`,
      expected: 'text in UTF-8',
      hint: 'Convert it: iconv -f LATIN1 -t UTF-8 in.csv > out.csv, with the encoding that it has.',
    });
  }
  const names = bare.map(decoded);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const wrong =
    fault ??
    (names.includes('') ? 'a column without a name' : twice === undefined ? undefined : `the name ${twice} twice`);
  if (wrong === undefined) return names;
  throw new TailraceError('INPUT_BAD', `The first line of ${place} does not name the columns.`, {
    place,
    found: wrong,
    expected: 'a name for each column',
    hint: 'Name the columns with --columns, if the first line is a record.',
  });
}

/** Whole records: cells in quotes, in which a quote is doubled, and cells without any. */
function soundRecord(delimiter: string): RegExp {
  const mark = delimiter.replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&');
  const cell = `(?:"[^"]*(?:""[^"]*)*"|[^"${mark}\\r\\n]*)`;
  return new RegExp(`^${cell}(?:${mark}${cell})*\\r?\\n?$`);
}

function named(
  { raw, cells = [], fault }: Parsed,
  header: readonly string[],
  sound: RegExp,
): ReadonlyMap<string, string> {
  if (fault !== undefined) throw new LineFault(fault);
  if (raw.includes('"') && !sound.test(raw)) throw new LineFault('a quote within a cell');
  if (cells.length !== header.length)
    throw new LineFault(`${cells.length} cells, where there are ${header.length} columns`);
  return new Map(header.map((name, index) => [name, decoded(cells[index] ?? '')]));
}

function textOf(cell: string): string | undefined {
  return /^[\u0000-\u007f]*$/.test(cell) ? cell : decodeUtf8(Buffer.from(cell, 'latin1'));
}

function decoded(cell: string): string {
  const text = textOf(cell);
  if (text === undefined) throw new LineFault('not UTF-8');
  return text;
}

/** The parser's messages may quote the record: only what stands before the details is kept. */
function sentence(message: string): string {
  return message.split(/[,:] (?:got|value|found)|: /)[0]?.toLowerCase() ?? message;
}
