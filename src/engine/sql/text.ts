import { BASE64, CANONICAL_NUMBER } from './leaf.ts';
import { str } from './quote.ts';

/**
 * DynamoDB JSON as text: expressions that check it, strip it and turn it into plain JSON without knowing its shape.
 * In JSON text a quote inside a string is escaped, so `{"S":"` can only be structure. Values are collapsed from the
 * inside out; what is done is marked by control characters, which JSON text cannot hold unescaped.
 * Texts instead of trees of expressions, because the engine keeps a vector for every expression it might evaluate.
 */

/** The prefix of the error that a projection raises for a line which is no sound item; the engine's adapter knows it. */
export const BAD_LINE_PREFIX = 'tailrace-bad-line:';

/** DynamoDB's 32 levels of nesting, and the item around them. */
const ALL_LEVELS = 34;
/** Nesting that most rescues have; deeper ones are looked at again. */
const FEW_LEVELS = 3;
/** Deepest nesting of a value in a column with plain JSON. */
export const PLAIN_LEVELS = 8;

const STRING = '"(?:[^"\\\\]|\\\\.)*"';
/** Anything without brackets outside of strings. */
const FLAT = `(?:${STRING}|[^"{}\\[\\]])*`;
const [LIST, END_LIST, MAP, END_MAP, DONE] = ['\u0001', '\u0002', '\u0003', '\u0004', '\u0005'] as const;

/** Raises the error for the file of this row. */
export function badLine(file: string): string {
  return `error(${str(BAD_LINE_PREFIX)} || ${file})::VARCHAR`;
}

/** JSON text without its null members; strings are stepped over whole. */
export function stripNulls(json: string): string {
  const members = replace(json, `${STRING}:null,?|(${STRING}:?)`, '\\1');
  return replace(members, `(${STRING})|,(})`, '\\1\\2');
}

/** Plain JSON of one attribute value; NULL where it holds sets, binaries, numbers in odd spelling, or nests too deep. */
export function plainText(value: string): string {
  let text = replace(value, `\\{"S":(${STRING})\\}`, `${DONE}\\1`);
  text = replace(text, `\\{"N":"(${CANONICAL_NUMBER})"\\}`, `${DONE}\\1`);
  text = replace(text, '\\{"BOOL":(true|false)\\}', `${DONE}\\1`);
  text = replace(text, '\\{"NULL":true\\}', `${DONE}null`);
  for (let level = 0; level < PLAIN_LEVELS; level++) {
    text = replace(text, `\\{"L":\\[(|${DONE}${FLAT})\\]\\}`, `${DONE}${LIST}\\1${END_LIST}`);
    text = replace(text, `\\{"M":\\{(|${STRING}:${DONE}${FLAT})\\}\\}`, `${DONE}${MAP}\\1${END_MAP}`);
  }
  const whole = `regexp_extract(${text}, ${str(`^${DONE}${FLAT}$`)})`;
  return `nullif(translate(${whole}, ${str(LIST + END_LIST + MAP + END_MAP + DONE)}, '[]{}'), '')`;
}

/** True when a JSON object holds only sound attribute values, each with exactly one type tag, and nests little. */
export function isSoundFlat(object: string): string {
  return soundTo(object, FEW_LEVELS);
}

/** The same for any nesting that DynamoDB allows. */
export function isSound(object: string): string {
  return soundTo(object, ALL_LEVELS);
}

/** A rescue is kept as it is when it is sound; a line that is not goes the slow way. Few need the deep look. */
export function soundRescue(text: string, file: string): string {
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${isSoundFlat(text)} THEN ${text} WHEN ${isSound(text)} THEN ${text} ELSE ${badLine(file)} END`;
}

const LEAF = [
  `S":${STRING}`,
  `N":"${CANONICAL_NUMBER}"`,
  `BOOL":(?:true|false)`,
  `NULL":true`,
  `B":"${BASE64}"`,
  `SS":\\[${some(STRING)}\\]`,
  `NS":\\[${some(`"${CANONICAL_NUMBER}"`)}\\]`,
  `BS":\\[${some(`"${BASE64}"`)}\\]`,
].join('|');

function soundTo(object: string, levels: number): string {
  let text = replace(`'{"M":' || ${object} || '}'`, `\\{"(?:${LEAF})\\}`, DONE);
  const nested = `\\{"(?:L":\\[${some(DONE)}\\]|M":\\{${some(`${STRING}:${DONE}`)}\\})\\}`;
  for (let level = 0; level < levels; level++) text = replace(text, nested, DONE);
  return `(${text} = ${str(DONE)})`;
}

function some(item: string): string {
  return `(?:${item}(?:,${item})*)?`;
}

function replace(text: string, pattern: string, by: string): string {
  return `regexp_replace(${text}, ${str(pattern)}, ${str(by)}, 'g')`;
}
