/**
 * Metadata whose snapshots were mostly parsed before. A table's metadata names every snapshot, and each commit adds one
 * behind the others: of a list that begins with the very text of a former one, only what follows is parsed.
 */
import { parseWide } from './wide-json.ts';

/** A list of snapshots without its brackets, and what it parses to. */
interface Known {
  readonly text: string;
  readonly snapshots: readonly unknown[];
}

const NAME = '"snapshots"';
const BEGIN = `${NAME}:[`;
/** Lists that are remembered: a process rarely works on more tables at once. */
const KEPT = 4;
/** Shorter lists are parsed faster than they are looked for. */
const LEAST_LENGTH = 8 * 1024;

let known: readonly Known[] = [];

/** `parseWide` of metadata, or of a reply that holds it. */
export function parseWithSnapshots(text: string, wideKeys: ReadonlySet<string>): unknown {
  const begin = text.indexOf(NAME);
  // Within a string its quotes would be escaped. Where it stands twice, it is not clear which list is meant.
  if (text.length < LEAST_LENGTH || !text.startsWith(BEGIN, begin) || text.indexOf(NAME, begin + 1) >= 0)
    return parseWide(text, wideKeys);
  const from = begin + BEGIN.length;
  const former = known.find(
    (one) => text.startsWith(one.text, from) && ',]'.includes(text[from + one.text.length] ?? ''),
  );
  if (former === undefined) {
    const value = parseWide(text, wideKeys);
    remember(text, from, from, snapshotsOf(value));
    return value;
  }
  const behind = from + former.text.length;
  const value = parseWide(text.slice(0, from) + text.slice(text[behind] === ',' ? behind + 1 : behind), wideKeys);
  const snapshots = snapshotsOf(value);
  if (snapshots === undefined) return parseWide(text, wideKeys);
  snapshots.unshift(...former.snapshots);
  remember(text, from, behind, snapshots);
  return value;
}

/** `searched`: the list does not end before. */
function remember(text: string, from: number, searched: number, snapshots: readonly unknown[] | undefined): void {
  const end = snapshots === undefined ? undefined : endOfList(text, searched);
  if (snapshots === undefined || end === undefined || end - from < LEAST_LENGTH) return;
  const next = { text: text.slice(from, end), snapshots: [...snapshots] };
  known = [next, ...known.filter((one) => !next.text.startsWith(one.text))].slice(0, KEPT);
}

function snapshotsOf(value: unknown): unknown[] | undefined {
  const { metadata, snapshots } = value as {
    readonly metadata?: { readonly snapshots?: unknown };
    readonly snapshots?: unknown;
  };
  const found = snapshots ?? metadata?.snapshots;
  return Array.isArray(found) ? found : undefined;
}

const [QUOTE, BACKSLASH, OPEN, CLOSE] = ['"', '\\', '[', ']'].map((mark) => mark.charCodeAt(0));

/** Where the list ends that a place lies in, behind one of its elements or at its beginning. */
function endOfList(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN) depth += 1;
    else if (code === CLOSE) {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return undefined;
}

function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
