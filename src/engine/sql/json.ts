import type { Tag } from '../../model/schema.ts';
import type { ReadTag, ReadValue } from '../../schema/reading.ts';
import { leafJson } from './leaf.ts';
import { str } from './quote.ts';
import { member } from './values.ts';

/** The prefix of the error that a projection raises for a line which is no sound item; the engine's adapter knows it. */
export const BAD_LINE_PREFIX = 'tailrace-bad-line:';

/** Raises the error for the file of this row. */
export function badLine(file: string): string {
  return `error(${str(BAD_LINE_PREFIX)} || ${file})::VARCHAR`;
}

/** The attribute value `x` as DynamoDB JSON text; a bad line where it does not have exactly one sound type tag. */
export function dumpJson(x: string, read: ReadValue, file: string, depth = 0): string {
  if (read.kind === 'raw') return `${x}::VARCHAR`;
  const cases = [...read.tags].map(([tag, inner]) => {
    const body = tagDump(member(x, tag), tag, inner, file, depth);
    return `WHEN ${only(x, read.tags, tag)} THEN coalesce(${str(`{"${tag}":`)} || ${body} || '}', ${badLine(file)})`;
  });
  return `CASE ${cases.join(' ')} ELSE ${badLine(file)} END`;
}

function only(x: string, tags: ReadonlyMap<Tag, ReadTag>, tag: Tag): string {
  return [...tags.keys()].map((other) => `${member(x, other)} IS ${other === tag ? 'NOT NULL' : 'NULL'}`).join(' AND ');
}

function tagDump(t: string, tag: Tag, read: ReadTag, file: string, depth: number): string {
  const v = `d${depth}`;
  switch (read.kind) {
    case 'raw': return `${t}::VARCHAR`;
    case 'scalar': return leafJson(t, tag);
    case 'list':
      return `'[' || array_to_string(list_transform(${t}, lambda ${v}: ${dumpJson(v, read.element, file, depth + 1)}), ',') || ']'`;
    case 'map': {
      const entry = `to_json(${v}.key)::VARCHAR || ':' || ${dumpJson(`${v}.value`, read.value, file, depth + 1)}`;
      return `'{' || array_to_string(list_transform(map_entries(${t}), lambda ${v}: ${entry}), ',') || '}'`;
    }
    case 'struct': return object([...read.fields].map(([name, value]) => {
      const x = member(t, name);
      return `CASE WHEN ${x} IS NOT NULL THEN ${str(`${JSON.stringify(name)}:`)} || ${dumpJson(x, value, file, depth)} END`;
    }));
  }
}

/** The attribute value `x` as plain JSON text with exact numbers; only for values that plain JSON keeps whole. */
export function plainJson(x: string, read: ReadValue, file: string, depth = 0): string {
  if (read.kind === 'raw') return badLine(file);
  const cases = [...read.tags].map(([tag, inner]) => {
    const body = tagPlain(member(x, tag), tag, inner, file, depth);
    return `WHEN ${only(x, read.tags, tag)} THEN coalesce(${body}, ${badLine(file)})`;
  });
  return `CASE ${cases.join(' ')} ELSE ${badLine(file)} END`;
}

function tagPlain(t: string, tag: Tag, read: ReadTag, file: string, depth: number): string {
  const v = `p${depth}`;
  if (tag === 'NULL') return `CASE WHEN ${t} THEN 'null' END`;
  if (tag === 'N') return `trim(${leafJson(t, tag)}, '"')`;
  switch (read.kind) {
    case 'list':
      return `'[' || array_to_string(list_transform(${t}, lambda ${v}: ${plainJson(v, read.element, file, depth + 1)}), ',') || ']'`;
    case 'struct': return object([...read.fields].map(([name, value]) => {
      const x = member(t, name);
      return `CASE WHEN ${x} IS NOT NULL THEN ${str(`${JSON.stringify(name)}:`)} || ${plainJson(x, value, file, depth)} END`;
    }));
    case 'scalar': return leafJson(t, tag);
    default: return badLine(file);
  }
}

function object(members: readonly string[]): string {
  return members.length === 0 ? `'{}'` : `'{' || concat_ws(',', ${members.join(', ')}) || '}'`;
}
