import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { pathText } from '../../model/attribute-path.ts';
import { type ErrorDetails, TailraceError } from '../../model/errors.ts';

/** A schema file's text as nodes that know their lines. Every scalar is text: `1`, `null` and `yes` are names. */
export interface SchemaDocument {
  readonly root: YAMLMap;
  /** A SCHEMA_FILE error at a node, with the path of keys that leads there. */
  fail(node: Node | null | undefined, path: readonly string[], message: string, details?: ErrorDetails): TailraceError;
}

/** One entry of a mapping. */
export interface Entry {
  readonly key: string;
  readonly keyNode: Node;
  readonly value: Node | null;
}

/** Parses YAML or JSON; the root must be a mapping. */
export function parseSchemaText(text: string, place: string): SchemaDocument {
  const lines = new LineCounter();
  const parsed = parse(text.replace(/^\ufeff/, ''), lines, place);
  const lineAt = (offset: number): string => `${place}, line ${lines.linePos(offset).line}`;
  const [fault] = parsed.errors;
  if (fault !== undefined) {
    throw new TailraceError('SCHEMA_FILE', `The schema file is not YAML: ${fault.message}.`, {
      place: lineAt(fault.pos[0]),
      cause: fault,
      hint: 'Correct the line; names with special characters stand in quotes.',
    });
  }
  const fail: SchemaDocument['fail'] = (node, path, message, details = {}) => {
    const where = `${lineAt(node?.range?.[0] ?? 0)}${path.length === 0 ? '' : `, ${pathText(path)}`}`;
    return new TailraceError('SCHEMA_FILE', message, { ...details, place: where });
  };
  const root = parsed.contents;
  if (!isMap(root)) {
    throw fail(root, [], 'The schema file holds no mapping.', {
      expected: '“columns:” with attributes and types, or {"attribute": "S"}',
      hint: 'tailrace schema infer writes such a file.',
    });
  }
  return { root, fail };
}

function parse(text: string, lineCounter: LineCounter, place: string) {
  try {
    return parseDocument(text, { schema: 'failsafe', lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch (cause) {
    // The parser calls itself for each level of nesting.
    if (!(cause instanceof RangeError)) throw cause;
    throw new TailraceError('SCHEMA_FILE', 'The schema file is nested too deep to be read.', {
      place,
      cause,
      hint: 'Is this a schema file?',
    });
  }
}

/** The entries of a mapping, whose keys are texts. */
export function entriesOf(map: YAMLMap, path: readonly string[], document: SchemaDocument): Entry[] {
  const seen = new Set<string>();
  return map.items.map(({ key: keyNode, value }) => {
    if (!isScalar(keyNode)) {
      const hint = 'Put names with special characters in quotes.';
      throw document.fail(keyNode as Node | null, path, 'A key is not a name.', { hint });
    }
    if (isAlias(value)) {
      throw document.fail(value, path, 'Aliases (*name) are not understood here.', { hint: 'Write the value out.' });
    }
    const key = keyText(keyNode);
    // The parser's own check compares each key with each.
    if (seen.has(key)) {
      const hint = 'Leave one of them out; several columns of one attribute are a list below it.';
      throw document.fail(keyNode, [...path, key], 'A key stands twice in the schema file.', { hint });
    }
    seen.add(key);
    return { key, keyNode, value: (value ?? null) as Node | null };
  });
}

/** The text of a scalar; undefined for anything else. */
export function textOf(node: Node | null): string | undefined {
  return isScalar(node) ? keyText(node) : undefined;
}

/** The texts of a list; undefined for anything else. */
export function textsOf(node: Node | null): string[] | undefined {
  if (!isSeq(node)) return undefined;
  const texts = node.items.map((item) => textOf(item as Node | null));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function keyText(node: { readonly value: unknown }): string {
  return typeof node.value === 'string' ? node.value : '';
}
