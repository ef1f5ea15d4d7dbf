import { TailraceError } from '../../model/errors.ts';
import type { ColumnType, Field, OriginTag, Slot } from '../../model/schema.ts';
import { shortText } from '../files/type-text.ts';
import { capacity } from '../numbers.ts';

/** Refuses a type of a key that does not hold every key there may be: keys are never rescued. */
export function checkKey(before: Field | undefined, after: Field | undefined): void {
  if (before === undefined) return;
  const same = after !== undefined && JSON.stringify(before.type) === JSON.stringify(after.type);
  if (same || (after !== undefined && after.tag === before.tag && holdsAll(after.type, before.type))) return;
  throw new TailraceError('USAGE', `The key column “${before.name}” cannot have that type: it must hold every key.`, {
    place: `--column ${before.name}`,
    expected: before.tag === 'N' ? 'a numeric type that holds all that the column may hold now, or string' : 'as it is',
    found: after === undefined ? 'another column' : (shortText(after.type) ?? after.type.kind),
    hint: 'Keys are never rescued, so their columns only become wider.',
  });
}

function holdsAll(after: ColumnType, before: ColumnType): boolean {
  if (after.kind === 'number-text') return capacity(before) !== undefined || before.kind === 'number-text';
  const [now, then] = [capacity(after), capacity(before)];
  if (now === undefined || then === undefined || after.kind !== 'decimal') return false;
  return now.intDigits >= then.intDigits && now.scale >= then.scale;
}

/** What a set's elements may be. */
const IN_SETS: Readonly<Partial<Record<OriginTag, readonly ColumnType['kind'][]>>> = {
  SS: ['string'],
  NS: ['long', 'decimal', 'double', 'number-text'],
  BS: ['binary'],
};

/** Refuses sets of anything but texts, numbers and binaries, wherever they stand in a column. */
export function checkSets({ tag, type }: Field | Slot, place: string): void {
  const allowed = IN_SETS[tag];
  if (type.kind === 'list' && allowed !== undefined && !allowed.includes(type.element.type.kind)) {
    throw new TailraceError('USAGE', `The elements of a set (${tag}) cannot have that type.`, {
      place,
      expected: `one of ${allowed.join(', ')}`,
      found: shortText(type.element.type) ?? type.element.type.kind,
      hint: 'Name the whole attribute, and a type that holds what is in it, such as ddb-json.',
    });
  }
  if (type.kind === 'list') checkSets(type.element, place);
  if (type.kind === 'map') checkSets(type.value, place);
  if (type.kind === 'struct') for (const field of type.fields) checkSets(field, place);
}

/** Refuses columns of one attribute that later lines could not be read into side by side. */
export function checkSiblings(attr: string, columns: readonly Field[]): void {
  if (columns.length < 2) return;
  const refuse = (message: string, hint: string): TailraceError =>
    new TailraceError('USAGE', message, {
      place: `attribute ${attr}`,
      expected: 'columns of one type tag each',
      found: columns.map(({ name, tag }) => `${name} (${tag})`).join(', '),
      hint,
    });
  if (new Set(columns.map(({ tag }) => tag)).size < columns.length)
    throw refuse(`Two columns of “${attr}” would hold the same values.`, 'Choose a type of the same type tag.');
  if (columns.some(({ tag }) => tag === '*'))
    throw refuse(
      `A column that holds values of every type leaves none for the others of “${attr}”.`,
      `Name the attribute instead: --column ${attr} puts one column in place of all.`,
    );
  const text = columns.some(({ type }) => type.kind === 'json' || type.kind === 'ddb-json');
  const nested = columns.some(({ type }) => type.kind === 'list' || type.kind === 'map' || type.kind === 'struct');
  if (text && nested)
    throw refuse(
      `“${attr}” cannot have a column of JSON text beside one of lists, maps or structs.`,
      'Choose ddb-json for both.',
    );
}
