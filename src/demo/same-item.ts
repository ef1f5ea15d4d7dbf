/** Whether two items in DynamoDB JSON are equal: the order of names, and of a set's members, means nothing. */
export function sameItem(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown, name = ''): string {
  if (Array.isArray(value)) {
    const members = value.map((member) => canonical(member));
    return `[${(name === 'SS' || name === 'NS' || name === 'BS' ? members.sort() : members).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner, key)}`);
  return `{${entries.sort().join(',')}}`;
}
