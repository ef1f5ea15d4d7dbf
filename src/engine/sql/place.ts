import type { AttributePath } from '../../model/attribute-path.ts';
import type { Tag } from '../../model/schema.ts';
import type { ReadItem, ReadTag, ReadValue } from '../../schema/reading.ts';
import { str } from './quote.ts';
import { member } from './values.ts';

/** JSON pointer (RFC 6901) to a member. */
export function pointer(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/**
 * Where a value of an item is found as its line was read; absent: where no line has it, which the engine proves by reading
 * them. It reads none for a condition that it knows beforehand, so what is said of absent values speaks of the item, too.
 */
export type Place =
  | { readonly kind: 'absent'; readonly column: string }
  | { readonly kind: 'typed'; readonly x: string; readonly tags: ReadonlyMap<Tag, ReadTag> }
  /** DynamoDB JSON of the value. */
  | { readonly kind: 'json'; readonly x: string };

/** The value at a path of the item that stands in `column`. */
export function placeOf(reading: ReadItem, column: string, [first, ...rest]: AttributePath): Place {
  const attr = String(first);
  const read = reading.kind === 'open' ? undefined : reading.attrs.get(attr);
  const whole: Found | undefined =
    reading.kind === 'open'
      ? { kind: 'json', x: `json_extract(${column}, ${str(pointer(attr))})` }
      : read && valuePlace(member(column, attr), read);
  return below(whole, rest) ?? { kind: 'absent', column };
}

type Found = Exclude<Place, { readonly kind: 'absent' }>;

function valuePlace(x: string, read: ReadValue): Found {
  return read.kind === 'raw' ? { kind: 'json', x } : { kind: 'typed', x, tags: read.tags };
}

function below(place: Found | undefined, [step, ...rest]: AttributePath): Found | undefined {
  if (step === undefined || place === undefined) return place;
  if (place.kind === 'typed') return below(typedBelow(place, step), rest);
  const inner = typeof step === 'number' ? `/L/${step}` : `/M${pointer(step)}`;
  return below({ kind: 'json', x: `json_extract(${place.x}, ${str(inner)})` }, rest);
}

function typedBelow({ x, tags }: Extract<Place, { kind: 'typed' }>, step: string | number): Found | undefined {
  const tag = typeof step === 'number' ? 'L' : 'M';
  const read = tags.get(tag);
  const t = member(x, tag);
  switch (read?.kind) {
    case 'raw':
    case 'text':
      return { kind: 'json', x: `json_extract(${t}, ${str(typeof step === 'number' ? `/${step}` : pointer(step))})` };
    case 'list':
      return typeof step === 'number' ? valuePlace(`list_extract(${t}, ${step + 1})`, read.element) : undefined;
    case 'map':
      return valuePlace(`list_extract(map_extract(${t}, ${str(String(step))}), 1)`, read.value);
    case 'struct': {
      const field = read.fields.get(String(step));
      return field === undefined ? undefined : valuePlace(member(t, String(step)), field);
    }
    default:
      return undefined;
  }
}

/** What stands behind a scalar's tag: text of S and N, a boolean of BOOL; NULL where the value has another tag. */
export function scalarOf(place: Place, tag: 'S' | 'N' | 'BOOL'): string {
  if (place.kind === 'json') {
    const text = `json_extract_string(${place.x}, ${str(`/${tag}`)})`;
    return tag === 'BOOL' ? `try_cast(${text} AS BOOLEAN)` : text;
  }
  if (place.kind === 'typed' && place.tags.has(tag)) return member(place.x, tag);
  return tag === 'BOOL' ? 'NULL::BOOLEAN' : 'NULL::VARCHAR';
}

/** The texts of a set or of the scalars of one tag in a list; NULL where the value is another. */
export function elementsOf(place: Place, tag: 'SS' | 'NS' | 'S' | 'N' | 'BOOL'): string {
  const isSet = tag === 'SS' || tag === 'NS';
  if (place.kind === 'json') return `json_extract_string(${place.x}, ${str(isSet ? `$.${tag}[*]` : `$.L[*].${tag}`)})`;
  const read = place.kind === 'typed' ? place.tags.get(isSet ? tag : 'L') : undefined;
  if (place.kind !== 'typed' || read === undefined) return 'NULL::VARCHAR[]';
  if (isSet) return member(place.x, tag);
  const list = member(place.x, 'L');
  if (read.kind !== 'list') return `json_extract_string(${list}, ${str(`$[*].${tag}`)})`;
  return `list_transform(${list}, lambda e: ${scalarOf(valuePlace('e', read.element), tag)}::VARCHAR)`;
}

/** Unknown, of a value that no item has. */
export function unknown(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN false END`;
}

/** True where the item has nothing there. Never NULL. */
export function isMissing(place: Place): string {
  return place.kind === 'absent' ? `coalesce(${unknown(place.column)}, true)` : `(${place.x} IS NULL)`;
}

/** True where the item has nothing there, or NULL. Never NULL. */
export function isNullish(place: Place): string {
  if (place.kind === 'absent') return isMissing(place);
  if (place.kind === 'json') return `(${place.x} IS NULL OR json_extract_string(${place.x}, '/NULL') IS NOT NULL)`;
  return place.tags.has('NULL') ? `(${place.x} IS NULL OR ${member(place.x, 'NULL')} IS NOT NULL)` : isMissing(place);
}
