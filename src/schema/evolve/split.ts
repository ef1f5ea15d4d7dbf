import { TailraceError } from '../../model/errors.ts';
import type { Field, Tag } from '../../model/schema.ts';
import { type DecideContext, decideAlone, decideTag, sameColumn } from '../decide.ts';
import { assignNames, RESERVED_NAMES } from '../names.ts';
import { emptyValue, type ValueNode } from '../structure.ts';

/**
 * A column for each type of value that an attribute has, `price_n` and `price_s`, as `--on-mixed split` makes them.
 * Columns that are there keep their types; the only one of an attribute gets the name that says its type, too.
 */
export function splitColumns(
  attr: string,
  old: readonly Field[],
  node: ValueNode | undefined,
  context: DecideContext,
  taken: readonly { readonly name: string }[],
): Field[] {
  if (context.options.key.includes(attr)) {
    throw new TailraceError('USAGE', `“${attr}” is of the key: all its values have one type.`, {
      place: `--column ${attr}`,
      hint: 'Split an attribute that has values of several types.',
    });
  }
  const seen = [...(node?.counts ?? [])].filter(([tag, count]) => tag !== 'NULL' && count > 0).map(([tag]) => tag);
  const typed = old.filter(({ tag }) => tag !== '*' && tag !== 'NULL');
  const tags = [...new Set<Tag>([...seen, ...typed.map(({ tag }) => tag as Tag)])].sort();
  if (tags.length < 2) return [...old];
  const drafts = tags.map((tag) =>
    draft(
      attr,
      tag,
      typed.find((column) => column.tag === tag),
      node,
      context,
    ),
  );
  // Lines are read as text where one of the columns is text; then nothing can be laid out beside it.
  const text = drafts.some(({ type }) => type.kind === 'json' || type.kind === 'ddb-json');
  const named = typed.length > 1 ? typed : [];
  const names = assignNames(
    drafts.map(({ tag }) => labelOf(attr, tag)),
    new Map([
      ...taken.map(({ name }) => [`\u0000${name}`, name] as const),
      ...named.map(({ tag, name }) => [labelOf(attr, tag), name] as const),
    ]),
    { reserved: RESERVED_NAMES },
  );
  return drafts.map(({ id, tag, type }): Field => {
    const nested = type.kind === 'list' || type.kind === 'struct' || type.kind === 'map';
    const name = names.get(labelOf(attr, tag)) ?? attr;
    return text && nested
      ? { id: context.nextId(), name, attr, tag, type: { kind: 'ddb-json' } }
      : { id, name, attr, tag, type };
  });
}

function labelOf(attr: string, tag: Field['tag']): string {
  return `${attr}_${tag.toLowerCase()}`;
}

function draft(
  attr: string,
  tag: Tag,
  old: Field | undefined,
  node: ValueNode | undefined,
  context: DecideContext,
): Pick<Field, 'id' | 'type'> & { readonly tag: Tag } {
  if (old !== undefined && (node === undefined || old.type.kind === 'json' || old.type.kind === 'ddb-json'))
    return { id: old.id, tag, type: old.type };
  const values = node ?? emptyValue();
  const choice =
    old === undefined ? decideAlone(values, tag, [attr], context) : decideTag(values, tag, [attr], context, old.type);
  const kept = old !== undefined && sameColumn(old.type, choice.type);
  return { id: kept ? old.id : context.nextId(), tag, type: choice.type };
}
