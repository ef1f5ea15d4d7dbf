import type { AttributeValue, Change, Item } from '../../model/item.ts';

/** A line of an export in canonical form, without its newline: `{"Item":{"a":{"N":"1"}}}`. */
export function printLine(item: Item, change?: Change): string {
  return change === undefined ? `{"Item":${printMembers(item)}}` : printChange(change);
}

function printChange({ micros, keys, oldImage, newImage }: Change): string {
  const before = oldImage === undefined ? '' : `,"OldImage":${printMembers(oldImage)}`;
  const after = newImage === undefined ? '' : `,"NewImage":${printMembers(newImage)}`;
  return `{"Metadata":{"WriteTimestampMicros":{"N":"${micros}"}},"Keys":${printMembers(keys)}${before}${after}}`;
}

function printMembers(members: ReadonlyMap<string, AttributeValue>): string {
  const parts: string[] = [];
  for (const [name, value] of members) parts.push(`${JSON.stringify(name)}:${printValue(value)}`);
  return `{${parts.join(',')}}`;
}

/** One attribute value as DynamoDB JSON: `{"S":"x"}`. */
export function printValue(value: AttributeValue): string {
  switch (value.tag) {
    case 'M':
      return `{"M":${printMembers(value.value)}}`;
    case 'L':
      return `{"L":[${value.value.map(printValue).join(',')}]}`;
    default:
      return `{"${value.tag}":${JSON.stringify(value.value)}}`;
  }
}
