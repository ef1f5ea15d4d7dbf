import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { type OriginTag, TAGS } from '../../model/schema.ts';
import { foldCase, isPlainName, RESERVED_NAMES } from '../names.ts';
import { type Entry, entriesOf, type SchemaDocument, textOf } from './document.ts';
import { isFault, parseTypeText, TYPE_FORMS, type TypeFault, timestampType } from './type-text.ts';
import { allowedTags, tagOf, type UserColumn, type UserSlot, type UserType } from './user-schema.ts';

const SPEC_KEYS = ['type', 'name', 'tag', 'format', 'of', 'fields'];
const DEPTH_MAX = 64;
const HINT = 'Write a type such as string or decimal(18,2), or {type: …, name: …, tag: …}.';
const COMMA_HINT = 'Within { } and [ ] a comma ends the text: put the type in quotes, such as "decimal(18,2)".';

/** The columns of a mapping from attribute names to types; a list below a name gives it several columns. */
export function readFields(
  map: YAMLMap,
  path: readonly string[],
  document: SchemaDocument,
  depth: number,
): UserColumn[] {
  return entriesOf(map, path, document).flatMap(({ key, value, keyNode }) => {
    const here = [...path, key];
    const specs = isSeq(value) ? (value.items as Node[]) : [value];
    const columns = specs.map((spec) => ({
      attr: key,
      ...readSpec(spec ?? keyNode, here, document, depth, spec === null),
    }));
    if (new Set(columns.map((column) => column.tag)).size !== columns.length) {
      throw document.fail(value, here, `Two columns of “${key}” hold the same values.`, {
        hint: 'Give each a tag of its own.',
      });
    }
    if (columns.filter((column) => column.name === undefined).length > 1) {
      throw document.fail(value, here, `Several columns of “${key}” have no name.`, {
        expected: `[{type: string, name: ${key}_s}, {type: long, name: ${key}_n}]`,
        hint: 'Give each a “name:” of its own.',
      });
    }
    return columns;
  });
}

/** Refuses two columns with one name. Attributes that differ only by case are no mistake: they get names of their own. */
export function checkNames(
  map: YAMLMap,
  columns: readonly UserColumn[],
  path: readonly string[],
  document: SchemaDocument,
  more: readonly string[] = [],
): void {
  const given = new Map<string, string>(more.map((name) => [foldCase(name), 'a derived column']));
  for (const { attr, name } of columns) {
    if (name === undefined) continue;
    const other = given.get(foldCase(name));
    if (other !== undefined) throw twice(attr, name, other);
    given.set(foldCase(name), `“${attr}”`);
  }
  for (const { attr, name } of columns) {
    const other = given.get(foldCase(attr));
    if (name === undefined && other !== undefined) throw twice(attr, attr, other);
  }
  function twice(attr: string, name: string, other: string) {
    const at = entriesOf(map, path, document).find((entry) => entry.key === attr)?.keyNode;
    return document.fail(at, [...path, attr], `The name “${name}” is given to “${attr}” and to ${other}.`, {
      hint: 'Names are equal to most engines when they differ only by case; give one of them another “name:”.',
    });
  }
}

interface Spec extends UserSlot {
  readonly name?: string;
}

function readSpec(node: Node, path: readonly string[], document: SchemaDocument, depth: number, empty = false): Spec {
  if (depth > DEPTH_MAX)
    throw document.fail(node, path.slice(0, 2), 'The types are nested too deep.', {
      expected: `at most ${DEPTH_MAX} levels`,
    });
  const short = empty ? '' : textOf(node);
  if (short !== undefined) {
    const type = checked(parseTypeText(short), node, path, document);
    return { tag: tagOf(type), type };
  }
  if (!isMap(node))
    throw document.fail(node, path, 'A type is neither a text nor a mapping.', { expected: TYPE_FORMS, hint: HINT });
  const entries = entriesOf(node, path, document);
  for (const { key, keyNode } of entries) {
    if (!SPEC_KEYS.includes(key)) {
      const hint = /^[0-9]+\)$/.test(key) ? COMMA_HINT : HINT;
      throw document.fail(keyNode, [...path, key], `“${key}” says nothing of a column.`, {
        expected: `one of ${SPEC_KEYS.join(', ')}`,
        found: key,
        hint,
      });
    }
  }
  const part = (key: string): Entry | undefined => entries.find((entry) => entry.key === key);
  const type = readType(node, part, path, document, depth);
  const name = readName(part('name'), path, document);
  return { tag: readTag(part('tag'), type, path, document), type, ...(name === undefined ? {} : { name }) };
}

function readType(
  node: Node,
  part: (key: string) => Entry | undefined,
  path: readonly string[],
  document: SchemaDocument,
  depth: number,
): UserType {
  const [type, format, of, fields] = [part('type'), part('format'), part('of'), part('fields')];
  const text = type === undefined ? 'auto' : textOf(type.value);
  if (text === undefined)
    throw document.fail(type?.value, [...path, 'type'], 'The type is not a text.', {
      expected: TYPE_FORMS,
      hint: HINT,
    });
  const bare = text.trim();
  const misplaced = [
    ['list', 'map'].includes(bare) ? undefined : of,
    bare === 'struct' ? undefined : fields,
    bare === 'timestamp' ? undefined : format,
  ].find((entry) => entry !== undefined);
  if (misplaced !== undefined) {
    throw document.fail(
      misplaced.keyNode,
      [...path, misplaced.key],
      `“${misplaced.key}” does not belong to the type ${text}.`,
      {
        expected: '“format” with timestamp, “of” with list and map, “fields” with struct',
        found: misplaced.key,
      },
    );
  }
  if (bare === 'struct') {
    if (!isMap(fields?.value) || fields.value.items.length === 0)
      throw document.fail(node, path, 'A struct needs “fields”.', {
        expected: '{type: struct, fields: {city: string}}',
      });
    const here = [...path, 'fields'];
    const columns = readFields(fields.value, here, document, depth + 1);
    checkNames(fields.value, columns, here, document);
    return { kind: 'struct', fields: columns };
  }
  if (bare === 'list' || bare === 'map') {
    if (of?.value == null)
      throw document.fail(node, path, `A ${bare} needs “of”, the type of its values.`, {
        expected: `${bare}<string>, or {type: ${bare}, of: …}`,
      });
    const slot = readSpec(of.value, [...path, 'of'], document, depth + 1);
    if (slot.name !== undefined)
      throw document.fail(of.value, [...path, 'of', 'name'], `The values of a ${bare} have no name.`);
    return bare === 'list' ? { kind: 'list', element: slot } : { kind: 'map', value: slot };
  }
  if (format !== undefined)
    return checked(
      timestampType(textOf(format.value) ?? ''),
      format.value ?? format.keyNode,
      [...path, 'format'],
      document,
    );
  return checked(parseTypeText(text), type?.value ?? node, path, document);
}

function readTag(
  entry: Entry | undefined,
  type: UserType,
  path: readonly string[],
  document: SchemaDocument,
): OriginTag | undefined {
  if (entry === undefined) return tagOf(type);
  const text = textOf(entry.value);
  const allowed = allowedTags(type);
  const tag = allowed.find((candidate) => candidate === text);
  if (tag !== undefined) return tag;
  const known = [...TAGS, '*'].some((candidate) => candidate === text);
  throw document.fail(
    entry.value ?? entry.keyNode,
    [...path, 'tag'],
    known
      ? `A column of type ${type.kind} cannot hold values of the type ${text}.`
      : `“${text ?? ''}” is not a DynamoDB type.`,
    {
      expected: `one of ${allowed.join(', ')}`,
      found: text ?? 'a nested value',
      hint: 'Leave the tag out for the usual one.',
    },
  );
}

function readName(entry: Entry | undefined, path: readonly string[], document: SchemaDocument): string | undefined {
  if (entry === undefined) return undefined;
  const name = isScalar(entry.value) ? textOf(entry.value) : undefined;
  const reserved = path.length === 2 && RESERVED_NAMES.some((word) => foldCase(word) === foldCase(name ?? ''));
  if (name !== undefined && isPlainName(name) && !reserved) return name;
  throw document.fail(
    entry.value ?? entry.keyNode,
    [...path, 'name'],
    reserved ? `The name “${name}” is reserved.` : `“${name ?? ''}” is not a name that every engine accepts.`,
    {
      expected: 'letters, digits and underscores, no digit first, at most 128',
      found: name ?? 'a nested value',
      hint: 'Choose another name, or leave it out.',
    },
  );
}

function checked(type: UserType | TypeFault, node: Node, path: readonly string[], document: SchemaDocument): UserType {
  if (!isFault(type)) return type;
  throw document.fail(node, path, `The schema file has a wrong type: ${type.fault}.`, {
    expected: type.expected,
    found: type.found,
    hint: /^decimal\([0-9]+$/.test(type.found) ? COMMA_HINT : HINT,
  });
}
