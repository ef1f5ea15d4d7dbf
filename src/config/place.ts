import type { LineCounter, Node } from 'yaml';

/** `tailrace.yaml:3 (tables.orders.key)`. */
export function placeInFile(
  file: string,
  lines: LineCounter,
  offset: number | undefined,
  path: readonly PropertyKey[],
): string {
  const line = offset === undefined ? '' : `:${lines.linePos(offset).line}`;
  return `${file}${line}${path.length === 0 ? '' : ` (${path.map(String).join('.')})`}`;
}

/** The keys that lead to a node of a YAML document, from what a visitor is given. */
export function keyPath(key: unknown, ancestors: readonly unknown[]): PropertyKey[] {
  const path: PropertyKey[] = [];
  const chain = [...ancestors];
  for (const [index, ancestor] of chain.entries()) {
    const next = chain[index + 1];
    if (isPair(ancestor)) path.push(scalarText(ancestor.key));
    else if (hasItems(ancestor) && !isPair(next)) {
      const place = next === undefined ? key : ancestor.items.indexOf(next);
      if (typeof place === 'number') path.push(place);
    }
  }
  return path;
}

function isPair(value: unknown): value is { readonly key: unknown; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'key' in value && 'value' in value && !('items' in value);
}

function hasItems(value: unknown): value is { readonly items: readonly unknown[] } {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items);
}

function scalarText(key: unknown): string {
  return String(typeof key === 'object' && key !== null && 'value' in key ? key.value : key);
}

/** Where a key, or else its value, stands in the text. */
export function offsetOf(root: unknown, path: readonly PropertyKey[]): number | undefined {
  let node = root;
  let offset: number | undefined;
  for (const step of path) {
    if (!hasItems(node)) return offset;
    const child: unknown =
      typeof step === 'number'
        ? node.items[step]
        : node.items.find((item) => isPair(item) && scalarText(item.key) === String(step));
    if (child === undefined) return offset;
    const at = (isPair(child) ? child.key : child) as Node | null;
    offset = at?.range?.[0] ?? offset;
    node = isPair(child) ? child.value : child;
  }
  return offset;
}
