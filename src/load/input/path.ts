import { type AttributePath, ELEMENT } from '../../model/attribute-path.ts';
import { TailraceError } from '../../model/errors.ts';

const STEP = /(?:^|\.)([^\s.,"[\]{}]+)|(?:^|\.)("(?:[^"\\]|\\.)*")|\[(\d*)\]/y;

/** Reads `data.items`, `DataModel[].TableData`, `"a.b"[0]`: names, places in a list, `[]` for each of its elements. */
export function parsePath(text: string, option: string): AttributePath {
  const path: (string | number)[] = [];
  let at = 0;
  while (at < text.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(text);
    if (match === null) throw bad(text, option);
    const [all, bare, quoted, place] = match;
    if (bare !== undefined) path.push(bare);
    else if (quoted !== undefined) path.push(unquoted(quoted, text, option));
    else path.push(place === '' || place === undefined ? ELEMENT : Number(place));
    at += all.length;
  }
  if (path.length === 0) throw bad(text, option);
  return path;
}

function unquoted(quoted: string, text: string, option: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw bad(text, option);
  }
}

function bad(text: string, option: string): TailraceError {
  return new TailraceError('USAGE', `${option} cannot be '${text}'.`, {
    place: option,
    found: text,
    expected:
      'names with dots between them, such as data.items, lists[0] or lists[].items; "a.b" for a name with a dot',
  });
}
