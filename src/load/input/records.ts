import { TailraceError } from '../../model/errors.ts';
import type { AttributeValue, Item } from '../../model/item.ts';
import type { LoadFormat } from '../../model/load.ts';
import { LineFault } from '../../source/lines/scan.ts';
import { splitLines } from '../../source/lines/split.ts';
import { type CellType, cellValue, columnType } from '../values/cells.ts';
import { parsePlainItem } from '../values/plain.ts';
import { parseTaggedItem } from '../values/tagged.ts';
import { peek } from './bytes.ts';
import { type CsvRecord, readCsv } from './csv.ts';
import { BrokenJson, cutElements } from './elements.ts';
import { HEAD_BYTES, recognise } from './recognise.ts';

/** One item of an input, not read yet. */
export interface LoadRecord {
  /** Its line, or which element of its document it is; 1-based. */
  readonly line: number;
  /** As it came. */
  readonly raw: Buffer;
  /** Throws LineFault. */
  item(): Item;
}

export interface ReadOptions {
  readonly format: LoadFormat;
  readonly path: readonly (string | number)[];
  readonly delimiter: string | undefined;
  readonly columns: readonly string[] | undefined;
  /** Of a CSV file's columns: by what they hold, or none. */
  readonly types: 'auto' | 'text';
  /** Columns whose type does not come from their cells. */
  readonly fixedTypes: ReadonlyMap<string, CellType>;
}

export interface OpenRecords {
  readonly format: Exclude<LoadFormat, 'auto'>;
  readonly records: AsyncGenerator<LoadRecord>;
  /** Of a CSV file, once its first record was given. */
  readonly columnTypes: ReadonlyMap<string, CellType>;
  /** Cells that stayed texts in a column of another type. */
  readonly misfits: ReadonlyMap<string, number>;
}

/** So many records of a CSV file decide the types of its columns. */
const SAMPLE_RECORDS = 1_000;
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Finds out what an input is, and gives its items one by one. `name` tells its format; messages call it `place`. */
export async function openRecords(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: ReadOptions,
  place = name,
): Promise<OpenRecords> {
  const { head, rest } = await peek(chunks, HEAD_BYTES);
  const known = recognise(options.format, name, head, options.path);
  if (known === undefined) {
    await rest.return(undefined);
    throw new TailraceError('INPUT_BAD', `It cannot be told what format ${place} has.`, {
      place,
      found: `${JSON.stringify(head.subarray(0, 40).toString('utf8'))} …`,
      expected: 'JSON, JSON lines or DynamoDB JSON; CSV by its name',
      hint: 'Name it with --format.',
    });
  }
  if (known.format === 'csv' && options.path.length > 0) {
    await rest.return(undefined);
    throw new TailraceError('USAGE', '--items leads into JSON, and CSV has no path.', {
      place: '--items',
      found: `${place}, which is read as CSV`,
      hint: 'Leave --items out, or say with --format what the input is.',
    });
  }
  const read = known.tagged ? parseTaggedItem : parsePlainItem;
  const columnTypes = new Map<string, CellType>();
  const misfits = new Map<string, number>();
  const format = known.tagged ? 'ddb-json' : known.format;
  const shared = { format, columnTypes, misfits } as const;
  switch (known.format) {
    case 'csv':
      return { ...shared, records: csvRecords(rest, { name, place }, options, columnTypes, misfits) };
    case 'jsonl':
      return { ...shared, records: lineRecords(rest, read) };
    default:
      return { ...shared, records: elementRecords(rest, place, options.path, read) };
  }
}

async function* lineRecords(
  chunks: AsyncIterable<Uint8Array>,
  read: (bytes: Buffer) => Item,
): AsyncGenerator<LoadRecord> {
  for await (const { number, bytes, cut } of splitLines(withoutMark(chunks))) {
    yield { line: number, raw: bytes, item: () => (cut ? tooLong() : read(bytes)) };
  }
}

async function* elementRecords(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  path: readonly (string | number)[],
  read: (bytes: Buffer) => Item,
): AsyncGenerator<LoadRecord> {
  let last = 0;
  try {
    for await (const { number, bytes, cut } of cutElements(chunks, path)) {
      last = number;
      yield { line: number, raw: bytes, item: () => (cut ? tooLong() : read(bytes)) };
    }
  } catch (thrown) {
    if (!(thrown instanceof BrokenJson)) throw thrown;
    const astray = path.length > 0 && last === 0;
    throw new TailraceError('INPUT_BAD', `${name} is not the JSON that was expected: ${thrown.message}.`, {
      place: `${name}, byte ${thrown.offset}${last === 0 ? '' : `, behind item ${last}`}`,
      hint: astray
        ? 'Check --items: it names the members that lead to the items.'
        : 'Mend the file from there on; the items before it are loaded. JSON lines are read with --format jsonl.',
      cause: thrown,
    });
  }
}

async function* csvRecords(
  chunks: AsyncIterable<Uint8Array>,
  { name, place }: { readonly name: string; readonly place: string },
  options: ReadOptions,
  types: Map<string, CellType>,
  misfits: Map<string, number>,
): AsyncGenerator<LoadRecord> {
  const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(name) ? '\t' : ',');
  const records = readCsv(chunks, { delimiter, columns: options.columns, place });
  const first: CsvRecord[] = [];
  let size = 0;
  let ended = false;
  while (!ended && first.length < SAMPLE_RECORDS && size < SAMPLE_BYTES) {
    const next = await records.next();
    if (next.done === true) ended = true;
    else {
      first.push(next.value);
      size += next.value.raw.length;
    }
  }
  for (const [column, type] of typesOf(first, options)) types.set(column, type);
  const item = (record: CsvRecord) => (): Item => {
    const values = new Map<string, AttributeValue>();
    for (const [column, text] of record.cells()) {
      const { value, fits } = cellValue(text, types.get(column) ?? 'string');
      if (!fits && text !== '') misfits.set(column, (misfits.get(column) ?? 0) + 1);
      values.set(column, value);
    }
    return values;
  };
  for (const record of first.splice(0)) yield { line: record.line, raw: record.raw, item: item(record) };
  if (ended) return;
  for await (const record of records) yield { line: record.line, raw: record.raw, item: item(record) };
}

function typesOf(sample: readonly CsvRecord[], { types, fixedTypes }: ReadOptions): Map<string, CellType> {
  const cells = new Map<string, string[]>();
  for (const record of sample) {
    let row: ReadonlyMap<string, string>;
    try {
      row = record.cells();
    } catch (thrown) {
      if (thrown instanceof LineFault) continue;
      throw thrown;
    }
    for (const [column, text] of row) {
      const all = cells.get(column);
      if (all === undefined) cells.set(column, [text]);
      else all.push(text);
    }
  }
  return new Map(
    [...cells].map(([column, texts]) => [
      column,
      fixedTypes.get(column) ?? (types === 'auto' ? columnType(texts) : 'string'),
    ]),
  );
}

function tooLong(): never {
  throw new LineFault('longer than any item can be');
}

/** Without a byte order mark, which a first line could not be read with. */
async function* withoutMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(chunks, 3);
  let mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  for await (const chunk of rest) {
    const cut = Math.min(mark, chunk.length);
    mark -= cut;
    yield cut === 0 ? chunk : chunk.subarray(cut);
  }
}
