import type { AttributeValue, Item } from '../../model/item.ts';

/** A line of a full export in canonical form, without its newline: `{"Item":{"a":{"N":"1"}}}`. */
export function printLine(item: Item): string {
  return `{"Item":${printMembers(item)}}`;
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
