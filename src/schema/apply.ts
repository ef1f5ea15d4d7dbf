import { type AttributePath, ELEMENT, pathText, VALUE } from '../model/attribute-path.ts';
import { compareBytes } from '../model/byte-order.ts';
import { TailraceError } from '../model/errors.ts';
import type { SchemaOptions } from '../model/options.ts';
import {
  type ColumnType,
  type DerivedColumn,
  type Field,
  type Slot,
  systemColumns,
  type TableSchema,
  type Tag,
} from '../model/schema.ts';
import { type DecideContext, decide, decideTag, keepsId, mainTag } from './decide.ts';
import type { SchemaFile, UserColumn, UserSlot } from './files/user-schema.ts';
import { tagOf } from './files/user-schema.ts';
import type { HeldDigits } from './held.ts';
import type { Mapped } from './map.ts';
import { assignNames, RESERVED_NAMES } from './names.ts';
import { emptyValue, type MapNode, type ValueNode } from './structure.ts';

/**
 * The table's schema by a user's schema file: just the columns that it names, with types from the data where it
 * leaves them open. Everything else an item has goes to `_rescued`.
 */
export function applySchemaFile(
  file: SchemaFile,
  root: MapNode,
  options: SchemaOptions,
  recorded?: TableSchema,
  held?: HeldDigits,
): Mapped {
  let lastFieldId = recorded?.lastFieldId ?? 0;
  const context: DecideContext = { options, nextId: () => ++lastFieldId, ...(held === undefined ? {} : { held }) };
  const wanted = file.columns.filter((column) => !options.exclude.includes(column.attr));
  const named = new Map((recorded?.columns ?? []).map((column) => [column.attr, column.name]));
  for (const column of wanted) if (column.name !== undefined) named.set(column.attr, column.name);
  const names = assignNames(
    wanted.map((column) => column.attr),
    named,
    { reserved: RESERVED_NAMES },
  );
  const columns = wanted.map((column): Field => {
    const before = recorded?.columns.find(
      (candidate) => candidate.attr === column.attr && (column.tag === undefined || column.tag === candidate.tag),
    );
    return fieldOf(
      column,
      column.name ?? names.get(column.attr) ?? column.attr,
      root.fields.get(column.attr) ?? emptyValue(),
      [column.attr],
      context,
      before,
    );
  });
  const keyAttrs = options.key;
  const keys = keyAttrs.map((attr) => keyName(attr, columns));
  const system =
    recorded?.system ?? systemColumns(options.mode ?? 'mirror').map((name) => ({ id: context.nextId(), name }));
  const derived = file.derived.map(
    (column): DerivedColumn => ({
      ...column,
      id: recorded?.derived.find((old) => old.name === column.name)?.id ?? context.nextId(),
    }),
  );
  const ordered = [
    ...keys.flatMap((name) => columns.filter((column) => column.name === name)),
    ...columns.filter((column) => !keys.includes(column.name)).sort((a, b) => compareBytes(a.name, b.name)),
  ];
  const schema = { columns: ordered, derived, system, keys, lastFieldId };
  const decisions = columns.map((field) => ({
    path: [field.attr],
    field,
    reason: 'as the schema file says',
    node: root.fields.get(field.attr) ?? emptyValue(),
  }));
  const mapped = new Set(columns.map((column) => column.attr));
  return {
    schema,
    decisions,
    unmapped: [...root.fields.keys()].filter((name) => !mapped.has(name) && !options.exclude.includes(name)),
  };
}

function keyName(attr: string, columns: readonly Field[]): string {
  const column = columns.find((candidate) => candidate.attr === attr);
  if (column !== undefined) return column.name;
  throw new TailraceError('SCHEMA_FILE', `The key attribute “${attr}” is not among the columns of the schema file.`, {
    place: attr,
    hint: 'Add it to the columns of the schema file.',
  });
}

/** The column that a user asks for; it keeps the id of `before` where files that hold that one can be read as it. */
export function fieldOf(
  column: UserColumn,
  name: string,
  node: ValueNode,
  path: AttributePath,
  context: DecideContext,
  before: Field | undefined,
): Field {
  const id = before?.id ?? context.nextId();
  const { tag, type } = slotType(column, node, path, context, before);
  const kept = before === undefined || keepsId(before, { tag, type });
  return { id: kept ? id : context.nextId(), name, attr: column.attr, tag, type };
}

function slotType(
  slot: UserSlot,
  node: ValueNode,
  path: AttributePath,
  context: DecideContext,
  recorded: Pick<Slot, 'tag' | 'type'> | undefined,
): { tag: Slot['tag']; type: ColumnType } {
  const before = recorded?.type;
  if (slot.type.kind === 'auto' && slot.tag === undefined) {
    const { tag, type } = decide(node, path, context, recorded);
    return { tag, type };
  }
  const tag = slot.tag ?? tagOf(slot.type) ?? mainTag(node) ?? 'S';
  const { type } = slot;
  switch (type.kind) {
    case 'auto': {
      const choice = decideTag(node, tag as Tag, path, context, before);
      return { tag: choice.tag, type: choice.type };
    }
    case 'timestamp':
      return { tag, type: { kind: 'timestamp', format: type.format ?? dataFormat(node, path) } };
    case 'list': {
      const element = slotOf(
        type.element,
        node.element ?? emptyValue(),
        [...path, ELEMENT],
        context,
        before?.kind === 'list' ? before.element : undefined,
      );
      return { tag, type: { kind: 'list', element } };
    }
    case 'map': {
      const old = before?.kind === 'map' ? before : undefined;
      const value = slotOf(type.value, node.map?.merged ?? emptyValue(), [...path, VALUE], context, old?.value);
      return { tag, type: { kind: 'map', keyId: old?.keyId ?? context.nextId(), value } };
    }
    case 'struct':
      return { tag, type: { kind: 'struct', fields: fieldsOf(type.fields, node, path, context, before) } };
    default:
      return { tag, type };
  }
}

/** The same for a list's element or a map's value. */
export function slotOf(
  slot: UserSlot,
  node: ValueNode,
  path: AttributePath,
  context: DecideContext,
  before: Slot | undefined,
): Slot {
  const inner = slotType(slot, node, path, context, before);
  return { id: keepsId(before, inner) ? before.id : context.nextId(), ...inner };
}

function fieldsOf(
  columns: readonly UserColumn[],
  node: ValueNode,
  path: AttributePath,
  context: DecideContext,
  before: ColumnType | undefined,
): Field[] {
  const named = new Map(
    columns.flatMap((column) => (column.name === undefined ? [] : [[column.attr, column.name] as const])),
  );
  const names = assignNames(
    columns.map((column) => column.attr),
    named,
    { reserved: [] },
  );
  const olds = before?.kind === 'struct' ? before.fields : [];
  return columns.map((column) =>
    fieldOf(
      column,
      names.get(column.attr) ?? column.attr,
      node.map?.fields.get(column.attr) ?? emptyValue(),
      [...path, column.attr],
      context,
      olds.find((field) => field.attr === column.attr),
    ),
  );
}

function dataFormat(node: ValueNode, path: AttributePath) {
  const [best] = [...node.times].sort((a, b) => b[1] - a[1]);
  if (best !== undefined) return best[0];
  throw new TailraceError(
    'SCHEMA_FILE',
    `No format is given for the timestamp “${pathText(path)}”, and the data shows none.`,
    {
      place: pathText(path),
      expected: 'iso, iso-ms, iso-us, epoch-s, epoch-ms or epoch-us',
      hint: 'Write {type: timestamp, format: iso-ms}.',
    },
  );
}
