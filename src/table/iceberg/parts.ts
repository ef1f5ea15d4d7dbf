/** Long texts as table properties: Hive's catalogs copy properties into columns of 4,000 characters. */
const PART_LENGTH = 3800;

/** The text as one property, or as numbered parts `name.0`, `name.1`, … when it is long. */
export function inParts(name: string, text: string): Record<string, string> {
  if (text.length <= PART_LENGTH) return { [name]: text };
  return Object.fromEntries(split(text).map((part, index) => [`${name}.${index}`, part]));
}

/** The text that the properties hold; undefined where they hold none. */
export function fromParts(name: string, properties: Readonly<Record<string, string>>): string | undefined {
  const parts: string[] = [];
  for (let part = properties[`${name}.0`]; part !== undefined; part = properties[`${name}.${parts.length}`])
    parts.push(part);
  return properties[name] ?? (parts.length > 0 ? parts.join('') : undefined);
}

/** Whether a property is this text or one of its parts. */
export function isPartOf(name: string, property: string): boolean {
  return property === name || (property.startsWith(`${name}.`) && /^[0-9]+$/.test(property.slice(name.length + 1)));
}

/** Parts of at most PART_LENGTH characters that do not cut a surrogate pair. */
function split(text: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + PART_LENGTH, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}
