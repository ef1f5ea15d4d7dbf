import { isMap, type Node } from 'yaml';
import { type OriginTag, TAGS } from '../../model/schema.ts';
import { foldCase } from '../names.ts';
import { entriesOf, parseSchemaText, type SchemaDocument, textOf, textsOf } from './document.ts';
import { checkNames, readFields } from './read-columns.ts';
import { isFault, timestampType } from './type-text.ts';
import { allowedTags, type SchemaFile, type UserColumn, type UserDerived, type UserType } from './user-schema.ts';

const VERSION = '1';
const TOP_KEYS = ['version', 'key', 'columns', 'derived'];

/**
 * Reads a schema file: ours, in YAML or JSON, or the flat form `{"attribute": "S"}`.
 * @param place the file's name, for errors (SCHEMA_FILE)
 */
export function readSchemaFile(text: string, place: string): SchemaFile {
  const document = parseSchemaText(text, place);
  const entries = entriesOf(document.root, [], document);
  const columns = entries.find((entry) => entry.key === 'columns');
  const versioned = entries.some((entry) => entry.key === 'version' && !isTag(textOf(entry.value)));
  if (versioned || (columns !== undefined && textOf(columns.value) === undefined)) return readOurs(document);
  return { form: 'flat', key: undefined, columns: readFlat(document), derived: [] };
}

function readOurs(document: SchemaDocument): SchemaFile {
  const entries = entriesOf(document.root, [], document);
  for (const { key, keyNode } of entries) {
    if (!TOP_KEYS.includes(key)) {
      throw document.fail(keyNode, [key], `“${key}” is not a part of a schema file.`, {
        expected: `one of ${TOP_KEYS.join(', ')}`,
        found: key,
        hint: 'Attributes stand below “columns:”.',
      });
    }
  }
  const partOf = (key: string): Node | null | undefined => entries.find((entry) => entry.key === key)?.value;
  checkVersion(partOf('version'), document);
  const columns = partOf('columns');
  if (!isMap(columns)) {
    throw document.fail(columns ?? document.root, ['columns'], 'The schema file has no columns.', {
      expected: 'a mapping from attribute names to types',
      hint: 'Write columns: {pk: string}.',
    });
  }
  const fields = readFields(columns, ['columns'], document, 0);
  const derived = readDerived(partOf('derived'), fields, document);
  checkNames(
    columns,
    fields,
    ['columns'],
    document,
    derived.map((column) => column.name),
  );
  return { form: 'tailrace', key: readKey(partOf('key'), fields, document), columns: fields, derived };
}

function checkVersion(node: Node | null | undefined, document: SchemaDocument): void {
  const version = node === undefined ? VERSION : textOf(node);
  if (version === VERSION) return;
  throw document.fail(node, ['version'], 'The schema file has a version that this tailrace does not know.', {
    expected: VERSION,
    found: version ?? 'no number',
    hint: 'Use the tailrace that wrote it, or a newer one.',
  });
}

function readKey(
  node: Node | null | undefined,
  columns: readonly UserColumn[],
  document: SchemaDocument,
): string[] | undefined {
  if (node === undefined) return undefined;
  const one = textOf(node);
  const key = one === undefined || one === '' ? textsOf(node) : [one];
  if (key === undefined || key.length > 2 || new Set(key).size !== key.length) {
    throw document.fail(node, ['key'], 'The key is not a list of one or two attributes.', {
      expected: '[pk] or [pk, sk]',
      hint: 'Write key: [pk, sk].',
    });
  }
  for (const attr of key) {
    const column = columns.find((candidate) => candidate.attr === attr);
    if (column === undefined) {
      throw document.fail(node, ['key'], `The key attribute “${attr}” is not among the columns.`, {
        expected: oneOf(columns.map((c) => c.attr)),
        found: attr,
        hint: 'Add it to the columns, or correct the key.',
      });
    }
    if (column.tag !== undefined && !['S', 'N', 'B'].includes(column.tag)) {
      throw document.fail(node, ['key'], `The key attribute “${attr}” has a type that no key can have.`, {
        expected: 'a string, number or binary',
        found: column.type.kind,
        hint: 'Keys of DynamoDB tables are S, N or B.',
      });
    }
  }
  return key;
}

function readDerived(
  node: Node | null | undefined,
  columns: readonly UserColumn[],
  document: SchemaDocument,
): UserDerived[] {
  if (node === undefined) return [];
  const form = {
    expected: '{from: column, format: iso-ms}',
    hint: 'Write derived: {created_at_ts: {from: created_at, format: iso-ms}}.',
  };
  if (!isMap(node)) throw document.fail(node, ['derived'], 'The derived columns are no mapping.', form);
  return entriesOf(node, ['derived'], document).map(({ key, value, keyNode }) => {
    const path = ['derived', key];
    if (!isMap(value)) throw document.fail(keyNode, path, `The derived column “${key}” has no source.`, form);
    const parts = new Map(entriesOf(value, path, document).map((entry) => [entry.key, textOf(entry.value)]));
    const [from, format] = [parts.get('from'), parts.get('format')];
    if (from === undefined || format === undefined || parts.size !== 2) {
      throw document.fail(
        value,
        path,
        `The derived column “${key}” needs “from” and “format”, and nothing else.`,
        form,
      );
    }
    if (!columns.some((column) => (column.name ?? column.attr) === from)) {
      throw document.fail(
        value,
        [...path, 'from'],
        `The derived column “${key}” comes from “${from}”, which is not a column.`,
        form,
      );
    }
    const type = timestampType(format);
    if (isFault(type) || type.kind !== 'timestamp' || type.format === undefined) {
      throw document.fail(
        value,
        [...path, 'format'],
        `“${format}” is not a format of times.`,
        isFault(type) ? { expected: type.expected, found: format } : form,
      );
    }
    return { name: key, from, format: type.format };
  });
}

function readFlat(document: SchemaDocument): UserColumn[] {
  const entries = entriesOf(document.root, [], document);
  if (entries.length === 0)
    throw document.fail(document.root, [], 'The schema file is empty.', { hint: 'tailrace schema infer writes one.' });
  return entries.map(({ key, value, keyNode }) => {
    const tag = textOf(value);
    if (!isTag(tag)) {
      const text = tag ?? 'a nested value';
      const hint =
        entries.some((entry) => foldCase(entry.key) === 'columns') || tag === undefined || !/^[A-Z]+$/.test(tag)
          ? 'A file with columns and types begins with “version: 1” and “columns:”.'
          : 'Write {"attribute": "S"}.';
      throw document.fail(value ?? keyNode, [key], `The attribute “${key}” has no DynamoDB type.`, {
        expected: `one of ${TAGS.join(', ')}`,
        found: text,
        hint,
      });
    }
    // Of what was only NULL nobody knows the type yet.
    if (tag === 'NULL') return { attr: key, tag: undefined, type: { kind: 'auto' } };
    return { attr: key, tag, type: flatType(tag) };
  });
}

/** Tags say all of a type only where they have no numbers and nothing nested in them. */
function flatType(tag: OriginTag): UserType {
  switch (tag) {
    case 'S':
      return { kind: 'string' };
    case 'B':
      return { kind: 'binary' };
    case 'BOOL':
      return { kind: 'boolean' };
    case 'SS':
      return { kind: 'list', element: { tag: 'S', type: { kind: 'string' } } };
    case 'BS':
      return { kind: 'list', element: { tag: 'B', type: { kind: 'binary' } } };
    case '*':
      return { kind: 'ddb-json' };
    default:
      return { kind: 'auto' };
  }
}

/** Our own flat files have `*` for columns that hold whole values. */
function isTag(text: string | undefined): text is OriginTag {
  const known: readonly OriginTag[] = [...TAGS, ...allowedTags({ kind: 'ddb-json' })];
  return text !== undefined && known.some((tag) => tag === text);
}

/** What may stand there; a file without columns has nothing to choose from. */
function oneOf(names: readonly string[]): string {
  return names.length === 0
    ? 'an attribute below “columns:”, which has none'
    : `one of ${names.slice(0, 12).join(', ')}`;
}
