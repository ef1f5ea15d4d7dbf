import type { ColumnType, OriginTag, Slot, TimestampFormat } from '../../model/schema.ts';
import { allowedTags, TIMESTAMP_FORMATS, tagOf, type UserSlot, type UserType } from './user-schema.ts';

const SCALARS = ['string', 'long', 'double', 'boolean', 'binary', 'number-text', 'json', 'ddb-json', 'auto'] as const;
const PRECISION_MAX = 38;
const DEPTH_MAX = 64;
export const TYPE_FORMS =
  'string, long, decimal(p,s), double, boolean, binary, timestamp, timestamp(format), number-text, json, ' +
  'ddb-json, auto, list<type>, map<type>, struct';

/** What is wrong with a type, without its place. */
export interface TypeFault {
  readonly fault: string;
  readonly expected: string;
  readonly found: string;
}

/** Reads `decimal(18,4)`, `list<map<long>>`; a struct has no such short form. */
export function parseTypeText(text: string, depth = 0): UserType | TypeFault {
  const [, word = '', , args, inner] = /^\s*([A-Za-z-]+)\s*(\(([^()]*)\)|<(.*)>)?\s*$/s.exec(text) ?? [];
  const kind = word.toLowerCase();
  const scalar = SCALARS.find((name) => name === kind);
  const bare = args === undefined && inner === undefined;
  if (scalar !== undefined && bare) return { kind: scalar };
  if (kind === 'decimal' && args !== undefined) return decimalType(args, text);
  if (kind === 'timestamp' && bare) return { kind };
  if (kind === 'timestamp' && args !== undefined) return timestampType(args);
  if ((kind === 'list' || kind === 'map') && inner !== undefined && depth < DEPTH_MAX)
    return nestedType(kind, inner, depth);
  return { fault: `“${cut(text)}” is not a type`, expected: `one of ${TYPE_FORMS}`, found: cut(text) };
}

export function isFault(type: UserType | TypeFault): type is TypeFault {
  return 'fault' in type;
}

/** The format of a timestamp, or what is wrong with it. */
export function timestampType(text: string): UserType | TypeFault {
  const format = TIMESTAMP_FORMATS.find((name): name is TimestampFormat => name === text.trim());
  if (format !== undefined) return { kind: 'timestamp', format };
  return {
    fault: `“${cut(text)}” is not a format of times`,
    expected: `one of ${TIMESTAMP_FORMATS.join(', ')}`,
    found: cut(text),
  };
}

/** The short form of a type, or undefined where it holds a struct or tags that are not the types' own. */
export function shortText(type: UserType | ColumnType): string | undefined {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'timestamp':
      return type.format === undefined ? 'timestamp' : `timestamp(${type.format})`;
    case 'list':
      return shortSlot('list', type.element);
    case 'map':
      return shortSlot('map', type.value);
    case 'struct':
      return undefined;
    default:
      return type.kind;
  }
}

/** The whole type in one line, for people: `list<struct<sku: string, qty: long>>`, `list<string> from SS`. */
export function typeText(type: UserType | ColumnType, tag?: OriginTag): string {
  const from = tag === undefined || tag === tagOf(type) || !allowedTags(type).includes(tag) ? '' : ` from ${tag}`;
  switch (type.kind) {
    case 'list':
      return `list<${typeText(type.element.type, type.element.tag)}>${from}`;
    case 'map':
      return `map<${typeText(type.value.type, type.value.tag)}>${from}`;
    case 'struct': {
      const fields = type.fields.map((field) => `${field.name ?? field.attr}: ${typeText(field.type, field.tag)}`);
      return `struct<${fields.join(', ')}>${from}`;
    }
    default:
      return `${shortText(type) ?? type.kind}${from}`;
  }
}

function shortSlot(kind: 'list' | 'map', slot: UserSlot | Slot): string | undefined {
  if (slot.tag !== tagOf(slot.type)) return undefined;
  const inner = shortText(slot.type);
  return inner === undefined ? undefined : `${kind}<${inner}>`;
}

function nestedType(kind: 'list' | 'map', text: string, depth: number): UserType | TypeFault {
  const type = parseTypeText(text, depth + 1);
  if (isFault(type)) return type;
  const slot = { tag: tagOf(type), type };
  return kind === 'list' ? { kind, element: slot } : { kind, value: slot };
}

function decimalType(args: string, text: string): UserType | TypeFault {
  const [, digits = '', places = ''] = /^\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*$/.exec(args) ?? [];
  const [precision, scale] = [Number(digits), Number(places)];
  const found = cut(text);
  if (digits === '') return { fault: `“${found}” is not a decimal type`, expected: 'decimal(precision,scale)', found };
  if (precision < 1 || precision > PRECISION_MAX) {
    return {
      fault: `“${found}” has a precision that no table can hold`,
      expected: `a precision from 1 to ${PRECISION_MAX}`,
      found,
    };
  }
  if (scale > precision) {
    return {
      fault: `“${found}” has more decimal places than digits`,
      expected: `a scale from 0 to ${precision}`,
      found,
    };
  }
  return { kind: 'decimal', precision, scale };
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
