/**
 * The text of a JSON object without the members so named, at its top and in the objects directly in it (in a line of
 * an export: the attributes). What stays keeps its spelling: a reject must show what came, duplicates and odd numbers
 * too, so nothing is parsed and printed again. Undefined if the text is no JSON object.
 */
export function cutMembers(text: string, names: ReadonlySet<string>): string | undefined {
  try {
    const whole: unknown = JSON.parse(text);
    if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return undefined;
  } catch {
    return undefined;
  }
  return rebuilt(text, text.indexOf('{'), names, 2);
}

interface Member {
  readonly name: string;
  readonly from: number;
  readonly valueFrom: number;
  readonly to: number;
}

function rebuilt(text: string, at: number, names: ReadonlySet<string>, levels: number): string {
  const kept = [...membersAt(text, at)].filter((member) => !names.has(member.name));
  const parts = kept.map(({ from, valueFrom, to }) => {
    if (levels === 1 || text[valueFrom] !== '{') return text.slice(from, to);
    return text.slice(from, valueFrom) + rebuilt(text, valueFrom, names, levels - 1);
  });
  return `{${parts.join(',')}}`;
}

/** Where the members of the object at `at` stand. The text is known to be JSON. */
function* membersAt(text: string, at: number): Generator<Member> {
  let from = skip(text, at + 1);
  while (text[from] === '"') {
    const nameEnd = endOfString(text, from);
    const valueFrom = skip(text, nameEnd);
    const to = endOfValue(text, valueFrom);
    yield { name: JSON.parse(text.slice(from, nameEnd)) as string, from, valueFrom, to };
    from = skip(text, to);
  }
}

/** Past white space, a comma or a colon. */
function skip(text: string, at: number): number {
  let next = at;
  while (' \t\r\n,:'.includes(text[next] ?? '?')) next += 1;
  return next;
}

function endOfString(text: string, at: number): number {
  let next = at + 1;
  while (text[next] !== '"') next += text[next] === '\\' ? 2 : 1;
  return next + 1;
}

function endOfValue(text: string, at: number): number {
  let depth = 0;
  let next = at;
  do {
    const char = text[next] ?? '';
    if (char === '"') next = endOfString(text, next);
    else {
      if (char === '{' || char === '[') depth += 1;
      if (char === '}' || char === ']') depth -= 1;
      next += 1;
    }
  } while (next < text.length && (depth > 0 || !',}] \t\r\n'.includes(text[next] ?? ',')));
  return next;
}
