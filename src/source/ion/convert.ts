import type { IonType, Reader } from 'ion-js';
import { pathText } from '../../model/attribute-path.ts';
import type { AttributeValue, Change, Item } from '../../model/item.ts';
import { canonicalNumber } from '../../model/number.ts';
import { checkChange, MICROS } from '../lines/change.ts';
import { MAX_NESTING } from '../lines/parse.ts';
import { LineFault } from '../lines/scan.ts';

const SURROGATE = /\p{Surrogate}/u;
const SETS: Readonly<Record<string, 'SS' | 'NS' | 'BS'>> = {
  $dynamodb_SS: 'SS',
  $dynamodb_NS: 'NS',
  $dynamodb_BS: 'BS',
};

/** The item of a reader that stands before one line of an Ion export: `{Item:{…}}`. Throws LineFault if it is none. */
export function readItem(reader: Reader): Item {
  if (reader.next()?.name !== 'struct' || reader.isNull()) throw new LineFault('not an Ion struct');
  reader.stepIn();
  if (reader.next()?.name !== 'struct' || reader.isNull() || reader.fieldName() !== 'Item') {
    throw new LineFault('no struct "Item"');
  }
  const item = readMembers(reader, 0);
  if (reader.next() !== null) throw new LineFault('more than "Item" in the line');
  reader.stepOut();
  if (reader.next() !== null) throw new LineFault('text after the item');
  return item;
}

/** A change of an incremental Ion export: `{Record:{Keys:{…},Metadata:{WriteTimestampMicros:…},OldImage:{…},NewImage:{…}}}`. */
export function readChange(reader: Reader): Change {
  if (reader.next()?.name !== 'struct' || reader.isNull()) throw new LineFault('not an Ion struct');
  reader.stepIn();
  const first = reader.next();
  const inRecord = reader.fieldName() === 'Record';
  if (inRecord) {
    if (first?.name !== 'struct' || reader.isNull()) throw new LineFault('"Record" is not a struct');
    reader.stepIn();
  }
  const parts = readParts(reader, inRecord ? reader.next() : first);
  if (inRecord) {
    reader.stepOut();
    if (reader.next() !== null) throw new LineFault('more than "Record" in the line');
  }
  reader.stepOut();
  if (reader.next() !== null) throw new LineFault('text after the change');
  return checkChange(parts);
}

function readParts(reader: Reader, first: IonType | null): Parameters<typeof checkChange>[0] {
  const images = new Map<string, Item>();
  let micros: string | undefined;
  for (let type = first; type !== null; type = reader.next()) {
    const name = reader.fieldName() ?? '';
    const known = name === 'Metadata' || name === 'Keys' || name === 'OldImage' || name === 'NewImage';
    if (!known) throw new LineFault(`unknown member ${JSON.stringify(name.slice(0, 100))} in the line of a change`);
    if (reader.isNull()) continue;
    if (type.name !== 'struct') throw new LineFault(`"${name}" is not a struct`);
    if (images.has(name)) throw new LineFault(`"${name}" stands twice`);
    if (name === 'Metadata') micros = readMicros(reader);
    images.set(name, name === 'Metadata' ? new Map() : readMembers(reader, 0));
  }
  const [keys, oldImage, newImage] = [images.get('Keys'), images.get('OldImage'), images.get('NewImage')];
  return { micros, keys, oldImage, newImage };
}

function readMicros(reader: Reader): string | undefined {
  let micros: string | undefined;
  reader.stepIn();
  for (let type = reader.next(); type !== null; type = reader.next()) {
    if (reader.fieldName() !== MICROS || reader.isNull()) continue;
    if (type.name === 'string') micros = readText(reader);
    else if (type.name === 'decimal' || type.name === 'int') micros = readNumber(reader, type.name);
    else throw new LineFault(`"${MICROS}" is not a number`);
  }
  reader.stepOut();
  return micros;
}

function readMembers(reader: Reader, level: number): Map<string, AttributeValue> {
  const members = new Map<string, AttributeValue>();
  reader.stepIn();
  for (let type = reader.next(); type !== null; type = reader.next()) {
    const name = reader.fieldName();
    if (name === null) throw new LineFault('a field without a name');
    const shown = pathText([name.slice(0, 100)]);
    if (SURROGATE.test(name)) throw new LineFault('lone surrogate in a name');
    if (members.has(name)) throw new LineFault(`attribute ${shown}: stands twice`);
    members.set(
      name,
      inPlace(() => readValue(reader, type.name, level), shown),
    );
  }
  reader.stepOut();
  return members;
}

/** Says in which attribute a fault lies; the innermost name is the most telling one. */
function inPlace<T>(read: () => T, shown: string): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof LineFault) || thrown.message.startsWith('attribute ')) throw thrown;
    throw new LineFault(`attribute ${shown}: ${thrown.message}`);
  }
}

function readValue(reader: Reader, type: string, level: number): AttributeValue {
  const annotations = reader.annotations();
  if (annotations.length > 0) return readSet(reader, type, annotations);
  if (reader.isNull()) {
    if (type !== 'null') throw new LineFault(`a null of type ${type}`);
    return { tag: 'NULL', value: true };
  }
  switch (type) {
    case 'string':
      return { tag: 'S', value: readText(reader) };
    case 'decimal':
    case 'int':
      return { tag: 'N', value: readNumber(reader, type) };
    case 'blob':
      return { tag: 'B', value: readBlob(reader) };
    case 'bool':
      return { tag: 'BOOL', value: reader.booleanValue() === true };
    case 'list':
      return { tag: 'L', value: readList(reader, deeper(level)) };
    case 'struct':
      return { tag: 'M', value: readMembers(reader, deeper(level)) };
    default:
      throw new LineFault(`Ion type ${type} stands for no DynamoDB type`);
  }
}

function readList(reader: Reader, level: number): AttributeValue[] {
  const values: AttributeValue[] = [];
  reader.stepIn();
  for (let type = reader.next(); type !== null; type = reader.next()) values.push(readValue(reader, type.name, level));
  reader.stepOut();
  return values;
}

/** Sets are lists whose one annotation names their type. */
function readSet(reader: Reader, type: string, annotations: readonly string[]): AttributeValue {
  const tag = annotations.length === 1 ? SETS[annotations[0] ?? ''] : undefined;
  if (tag === undefined || type !== 'list' || reader.isNull())
    throw new LineFault('an annotation that is no set of DynamoDB');
  const values: string[] = [];
  reader.stepIn();
  for (let element = reader.next(); element !== null; element = reader.next()) {
    values.push(readElement(reader, element.name, tag));
  }
  reader.stepOut();
  if (values.length === 0) throw new LineFault(`${tag} is an empty set`);
  return { tag, value: values };
}

function readElement(reader: Reader, type: string, tag: 'SS' | 'NS' | 'BS'): string {
  if (!reader.isNull() && reader.annotations().length === 0) {
    if (tag === 'SS' && type === 'string') return readText(reader);
    if (tag === 'NS' && (type === 'decimal' || type === 'int')) return readNumber(reader, type);
    if (tag === 'BS' && type === 'blob') return readBlob(reader);
  }
  throw new LineFault(`${tag} holds an Ion ${type}`);
}

function readText(reader: Reader): string {
  const text = reader.stringValue() ?? '';
  if (SURROGATE.test(text)) throw new LineFault('lone surrogate in a string');
  return text;
}

/** From coefficient and exponent, never by a float: 6d2 is 600, with all digits. */
function readNumber(reader: Reader, type: 'decimal' | 'int'): string {
  const decimal = type === 'decimal' ? reader.decimalValue() : null;
  const text = decimal === null ? String(reader.bigIntValue()) : `${decimal.getCoefficient()}e${decimal.getExponent()}`;
  const number = canonicalNumber(text);
  if (number === undefined) throw new LineFault('not a number that DynamoDB can hold');
  return number;
}

function readBlob(reader: Reader): string {
  return Buffer.from(reader.uInt8ArrayValue() ?? []).toString('base64');
}

function deeper(level: number): number {
  if (level >= MAX_NESTING) throw new LineFault(`nested deeper than ${MAX_NESTING} levels`);
  return level + 1;
}
