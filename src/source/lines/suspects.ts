/**
 * A WebAssembly routine that finds bytes which may not stand where they stand in lines of DynamoDB JSON, 16 at a time:
 * about 3 GB/s, where a loop in JavaScript makes 1. Assembled here, because it is smaller than the tools that would
 * compile it.
 *
 * A quote in JSON text is either escaped, or begins or ends a string. So what stands around a quote that no single
 * backslash escapes tells what follows a name or a text, but for strings that begin with a colon or a comma:
 * - behind a name comes `:` and then `"` after S, N and B, and after no other name; `{`; `[` with `{`, `]` or `"`
 *   after names that end in L or S; `t` or `f` after names that end in L (BOOL, NULL);
 * - behind `",` comes `"`; behind `,` no closing bracket; behind a quote no blank before `:` or `,`.
 * Whatever else is found is suspect, and so is a newline before a blank or another newline. Everything that an engine
 * reads leniently is suspect; not all that is suspect is wrong.
 */
type Code = readonly number[];

/** Readable bytes that `scan` needs before the first and behind the last byte that it looks at. */
export const MARGIN_BYTES = 24;

const I32 = 0x7f;
const V128 = 0x7b;
const [LOOK_BACK, LOOK_AHEAD] = [2, 3];
/** Parameters and locals of the function. */
const [AT, END] = [0, 1];
const LOCAL_MASK = 2;
/** Locals with the block as it stands, and shifted: `at(-2)` … `at(3)`. */
const at = (shift: number): Code => [0x20, 3 + LOOK_BACK + shift];
const ONE_LETTER = 3 + LOOK_BACK + LOOK_AHEAD + 1;
const [BLOCK, MASK, NEWLINES] = [0, 1, 2];

const vector = (op: number): Code => [0xfd, op];
const splat = (char: string): Code => [0xfd, 0x0c, ...new Array<number>(16).fill(char.charCodeAt(0))];
const is = (shift: number, char: string): Code => [...at(shift), ...splat(char), ...vector(0x23)];
/** A blank or control character. */
const isSpace = (shift: number): Code => [...at(shift), ...splat(' '), ...vector(0x2a)];
const and = (a: Code, b: Code): Code => [...a, ...b, ...vector(0x4e)];
const or = (first: Code, ...others: readonly Code[]): Code => [
  ...first,
  ...others.flatMap((other) => [...other, ...vector(0x50)]),
];
const butNot = (a: Code, b: Code): Code => [...a, ...b, ...vector(0x4f)];

const escaped = butNot(is(-1, '\\'), is(-2, '\\'));
const oneLetter = and(is(-2, '"'), or(is(-1, 'S'), is(-1, 'N'), is(-1, 'B')));
const isOneLetter: Code = [0x20, ONE_LETTER];
/** What may open an array: values behind L, texts behind SS, NS and BS. */
const list = and(is(-1, 'L'), or(is(3, '{'), is(3, ']')));
const set = and(is(-1, 'S'), is(3, '"'));
const afterColon = or(
  and(is(2, '"'), isOneLetter),
  butNot(or(is(2, '{'), and(is(2, '['), or(list, set))), isOneLetter),
  and(is(-1, 'L'), or(is(2, 't'), is(2, 'f'))),
);
const suspect = or(
  butNot(is(1, ':'), afterColon),
  butNot(is(1, ','), is(2, '"')),
  and(isSpace(1), or(isSpace(2), is(2, ':'), is(2, ','))),
);
const suspects = or(
  and(butNot(is(0, '"'), escaped), suspect),
  and(is(1, ','), or(is(2, '}'), is(2, ']'))),
  and(is(0, '\n'), isSpace(1)),
);

const loads: Code = Array.from({ length: LOOK_BACK + 1 + LOOK_AHEAD }, (_, i) => [
  ...[0x20, AT, 0xfd, 0x00, 0, i],
  ...[0x21, 3 + i],
]).flat();

const body: Code = [
  // Locals: a mask; six shifted blocks and where names of one letter end.
  ...[3, 1, I32, LOOK_BACK + 1 + LOOK_AHEAD, V128, 1, V128],
  ...[0x20, AT, 0x41, LOOK_BACK, 0x6b, 0x21, AT],
  ...[0x20, END, 0x41, LOOK_BACK, 0x6b, 0x21, END],
  ...[0x02, 0x40, 0x03, 0x40],
  ...[0x20, AT, 0x20, END, 0x4f, 0x0d, 1],
  ...loads,
  ...[...oneLetter, 0x21, ONE_LETTER],
  ...[0x23, NEWLINES, ...is(0, '\n'), ...vector(0x64), 0x69, 0x6a, 0x24, NEWLINES],
  ...[...suspects, ...vector(0x64), 0x22, LOCAL_MASK, 0x0d, 1],
  ...[0x20, AT, 0x41, 16, 0x6a, 0x21, AT, 0x0c, 0],
  ...[0x0b, 0x0b],
  ...[0x20, AT, 0x41, LOOK_BACK, 0x6a, 0x24, BLOCK],
  ...[0x20, LOCAL_MASK, 0x24, MASK],
  0x0b,
];

function leb(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function section(id: number, content: Code): Code {
  return [id, ...leb(content.length), ...content];
}

function exported(name: string, kind: number, index: number): Code {
  return [name.length, ...Buffer.from(name), kind, index];
}

/**
 * The module's bytes; its memory has so many pages of 64 KiB. It exports, besides `memory`:
 * - scan(at, end): looks at blocks of 16 bytes from `at` on, and stops at the first that holds a suspect, or at `end`;
 * - block: where that is; mask: a bit for each suspect byte of it; newlines: how many were in all blocks until now.
 */
export function suspectsModule(pages: number): Uint8Array<ArrayBuffer> {
  const global: Code = [I32, 1, 0x41, 0, 0x0b];
  const names = [
    exported('scan', 0, 0),
    exported('memory', 2, 0),
    exported('block', 3, BLOCK),
    exported('mask', 3, MASK),
    exported('newlines', 3, NEWLINES),
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...leb(pages)]),
    ...section(6, [3, ...global, ...global, ...global]),
    ...section(7, [names.length, ...names.flat()]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}
