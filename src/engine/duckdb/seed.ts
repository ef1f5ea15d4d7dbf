import type { LineShape, Lines } from '../../model/item.ts';
import type { Tag } from '../../model/schema.ts';
import type { ReadItem, ReadTag, ReadValue } from '../../schema/reading.ts';
import { list, str } from '../sql/quote.ts';

/**
 * A seed is a small file of JSON lines that is listed before the data and alone sampled: it dictates the schema by
 * which the engine reads, so that a key it does not name is an error instead of a silent loss.
 * Rules of detection (facts about read_json): an object becomes STRUCT; with more distinct keys over all lines than
 * the threshold it becomes MAP, if all its values are of one type or null; an object in one line and a string in
 * another become JSON. So dictionaries get their keys in lines where texts are null, and two last lines, which share
 * one key, say of each text that it is an object and a string.
 */
export interface Seed {
  readonly lines: readonly string[];
  /** map_inference_threshold that tells structs from maps. */
  readonly threshold: number;
  /** Columns of the lines: Item, or Metadata, Keys, OldImage and NewImage. */
  readonly shape: LineShape;
}

/** How whole lines are read. */
export interface LineReading {
  readonly lines: Pick<Lines, 'shape'>;
  readonly reading: ReadItem;
  /** Attributes in a change's Keys. */
  readonly keyAttrs: readonly string[];
}

/** Member of a struct that stands for maps which were always empty; no real name looks like it. */
const NO_FIELD = 'tailrace-no-field';
/** At least this many distinct keys make a map. */
const MIN_THRESHOLD = 8;

export function seedOf({ reading, lines: { shape }, keyAttrs }: LineReading): Seed {
  const open = reading.kind === 'open';
  const threshold = open ? MIN_THRESHOLD : Math.max(MIN_THRESHOLD, widest(reading)) + 1;
  const count = !open && hasMap(reading) ? threshold + 4 : 2;
  const attrs = [...reading.attrs];
  const lines: string[] = [];
  for (let line = count - 1; line >= 0; line--) {
    const item = open ? seedText(line) : seedItem(attrs, line);
    if (shape === 'item') {
      lines.push(`{"Item":${item}}`);
      continue;
    }
    const key = attrs.filter(([attr]) => keyAttrs.includes(attr));
    const keys = open ? item : seedItem(key, line);
    const text = seedText(line);
    lines.push(`{"Metadata":${text},"Keys":${keys},"OldImage":${text},"NewImage":${item}}`);
  }
  return { lines, threshold, shape };
}

function seedItem(attrs: readonly (readonly [string, ReadValue])[], line: number): string {
  const members = attrs.map(([attr, value]) => `${JSON.stringify(attr)}:${seedValue(value, line)}`);
  return `{${members.join(',') || `"${NO_FIELD}":{"S":"x"}`}}`;
}

/** The value in a line, counted from the last one. */
function seedValue(value: ReadValue, line: number): string {
  if (value.kind === 'raw') return seedText(line);
  return `{${[...value.tags].map(([tag, inner]) => `"${tag}":${seedTag(tag, inner, line)}`).join(',')}}`;
}

function seedTag(tag: Tag, inner: ReadTag, line: number): string {
  switch (inner.kind) {
    case 'raw':
    case 'text':
      return seedText(line);
    case 'list':
      return `[${seedValue(inner.element, line)}]`;
    case 'map':
      return `{"k${Math.max(line, 1)}":${seedValue(inner.value, line)}}`;
    case 'struct': {
      const fields = [...inner.fields].map(([name, value]) => `${JSON.stringify(name)}:${seedValue(value, line)}`);
      return `{${fields.join(',') || `"${NO_FIELD}":{"S":"x"}`}}`;
    }
    case 'scalar':
      return scalarSeed(tag);
  }
}

function seedText(line: number): string {
  return line === 0 ? '"x"' : line === 1 ? '{"a":{"b":"c"}}' : 'null';
}

function scalarSeed(tag: Tag): string {
  if (tag === 'BOOL' || tag === 'NULL') return 'true';
  return tag === 'SS' || tag === 'NS' || tag === 'BS' ? '["x"]' : '"x"';
}

/** The most members that any struct of this reading has. */
function widest(reading: Extract<ReadItem, { kind: 'struct' }>): number {
  let most = reading.attrs.size;
  visit(reading, (inner) => {
    if (inner.kind === 'struct') most = Math.max(most, inner.fields.size);
  });
  return most;
}

function hasMap(reading: Extract<ReadItem, { kind: 'struct' }>): boolean {
  let found = false;
  visit(reading, (inner) => {
    found ||= inner.kind === 'map';
  });
  return found;
}

function visit(reading: Extract<ReadItem, { kind: 'struct' }>, see: (inner: ReadTag) => void): void {
  const value = (v: ReadValue): void => {
    if (v.kind === 'raw') return;
    for (const inner of v.tags.values()) {
      see(inner);
      if (inner.kind === 'list') value(inner.element);
      else if (inner.kind === 'map') value(inner.value);
      else if (inner.kind === 'struct') for (const field of inner.fields.values()) value(field);
    }
  };
  for (const v of reading.attrs.values()) value(v);
}

/** The longest line that is read, in bytes: an item of 400 KB whose every character is escaped, and its names. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * Refers to every column of a change, and is never true. The engine refuses unknown names only where a query needs all
 * columns whole: one that it may leave out, and the seed would prove nothing.
 */
const NEVER = `coalesce(Metadata::VARCHAR = '' AND OldImage::VARCHAR = '' AND Keys IS NULL AND NewImage IS NULL, false)`;

/** The relation of all lines: columns Item, filename and, for changes, those of their lines. Item is the new image. */
export function linesRelation(seedPath: string, seed: Seed, paths: readonly string[]): string {
  const options = [
    `format='newline_delimited'`,
    `sample_size=${seed.lines.length}`,
    'maximum_sample_files=1',
    'maximum_depth=-1',
    `map_inference_threshold=${seed.threshold}`,
    'field_appearance_threshold=0',
    'filename=true',
    `maximum_object_size=${MAX_LINE_BYTES}`,
    `dateformat='%d'`,
    `timestampformat='%d'`,
  ];
  const where = `filename <> ${str(seedPath)}${seed.shape === 'item' ? '' : ` AND NOT ${NEVER}`}`;
  const columns = seed.shape === 'item' ? '*' : '*, NewImage AS Item';
  return `(SELECT ${columns} FROM read_json(${list([seedPath, ...paths])}, ${options.join(', ')}) WHERE ${where})`;
}
