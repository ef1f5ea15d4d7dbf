import { Document, isMap, isPair, isScalar, isSeq, type Node, Pair, YAMLMap } from 'yaml';
import type { Field, Slot, TableSchema } from '../../model/schema.ts';
import { shortText } from './type-text.ts';
import { tagOf, type UserColumn, type UserSlot } from './user-schema.ts';

const FLOW_WIDTH = 90;
const HEADER = ` A tailrace schema: attribute names and the types of their columns. Edit it, and give it to --schema.
 Types: string, long, decimal(p,s), double, boolean, binary, timestamp(format), number-text, json, ddb-json,
 list<type>, map<type>, {type: struct, fields: {attribute: type}}, or auto. What is not named stays in _rescued.`;

/** What a written type is built from before it becomes a YAML node: maps keep any key safely. */
type Spec = string | Map<string, Spec> | Spec[];

/**
 * The schema as a file that readSchemaFile reads back, without ids.
 * @param comments by column name: lines that go above a column, such as why it has its type
 */
export function writeSchemaYaml(
  schema: Pick<TableSchema, 'columns' | 'derived' | 'keys'>,
  comments: ReadonlyMap<string, string> = new Map(),
): string {
  const document = new Document(new YAMLMap());
  document.commentBefore = HEADER;
  const root = document.contents as YAMLMap;
  root.add(new Pair(document.createNode('version'), document.createNode(1)));
  if (schema.keys.length > 0) root.add(pair(document, 'key', keyAttributes(schema)));
  const columns = pair(document, 'columns', fieldSpecs(schema.columns));
  if (isMap(columns.value)) columns.value.flow = schema.columns.length === 0;
  addComments(columns.value, schema.columns, comments);
  root.add(columns);
  if (schema.derived.length > 0) {
    const derived = schema.derived.map(({ name, from, format }): [string, Spec] => [
      name,
      new Map([
        ['from', from],
        ['format', format],
      ]),
    ]);
    root.add(pair(document, 'derived', new Map(derived)));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, singleQuote: false });
}

function keyAttributes(schema: Pick<TableSchema, 'columns' | 'keys'>): string[] {
  return schema.keys.map((name) => schema.columns.find((column) => column.name === name)?.attr ?? name);
}

/** By attribute; columns that share one attribute are a list. */
function fieldSpecs(fields: readonly (Field | UserColumn)[]): Map<string, Spec> {
  const specs = new Map<string, Spec[]>();
  for (const field of fields) {
    const shared = specs.get(field.attr) ?? [];
    specs.set(field.attr, [...shared, spec(field, field)]);
  }
  return new Map(
    [...specs].map(([attr, group]): [string, Spec] => [attr, group.length === 1 ? (group[0] ?? 'auto') : group]),
  );
}

/** Only NULL was seen: its first value tells. */
const OPEN: UserSlot = { tag: undefined, type: { kind: 'auto' } };

/** The short text where it says everything. */
function spec(written: Slot | UserSlot, field?: Field | UserColumn): Spec {
  const slot: Slot | UserSlot = written.tag === 'NULL' && written.type.kind === 'string' ? OPEN : written;
  const { type } = slot;
  const name: [string, Spec][] = field?.name === undefined || field.name === field.attr ? [] : [['name', field.name]];
  const tag: [string, Spec][] = slot.tag === undefined || slot.tag === tagOf(type) ? [] : [['tag', slot.tag]];
  const short = shortText(type);
  if (short !== undefined && name.length + tag.length === 0) return short;
  const inner: [string, Spec][] =
    short !== undefined
      ? []
      : type.kind === 'list'
        ? [['of', spec(type.element)]]
        : type.kind === 'map'
          ? [['of', spec(type.value)]]
          : type.kind === 'struct'
            ? [['fields', fieldSpecs(type.fields)]]
            : [];
  return new Map<string, Spec>([['type', short ?? type.kind], ...name, ...tag, ...inner]);
}

function pair(document: Document, key: string, value: Spec): Pair<Node, Node> {
  const node = document.createNode(value) as Node;
  setFlow(node);
  return new Pair(document.createNode(key) as Node, node);
}

/** Short collections stand on one line, long ones on lines of their own. */
function setFlow(node: unknown): number {
  if (isScalar(node)) return String(node.value).length + 4;
  if (!isMap(node) && !isSeq(node)) return 0;
  const items: readonly unknown[] = node.items;
  const width = items.reduce(
    (sum: number, item) => sum + (isPair(item) ? setFlow(item.key) + setFlow(item.value) : setFlow(item)),
    0,
  );
  node.flow = width <= FLOW_WIDTH;
  return width;
}

function addComments(node: Node | null, columns: readonly Field[], comments: ReadonlyMap<string, string>): void {
  if (!isMap(node)) return;
  const keys = new Map(node.items.map((item) => [isScalar(item.key) ? item.key.value : undefined, item.key]));
  for (const { attr, name } of columns) {
    const comment = comments.get(name);
    const key = keys.get(attr);
    if (comment === undefined || !isScalar(key)) continue;
    // A control character would end the comment, or the file.
    const lines = comment.split('\n').map((line) => ` ${line.replace(/\p{Cc}|\p{Zl}|\p{Zp}|\ufeff/gu, '\ufffd')}`);
    key.commentBefore = [key.commentBefore, ...lines].filter((line) => line != null).join('\n');
  }
}
