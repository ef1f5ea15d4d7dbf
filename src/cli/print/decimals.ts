/**
 * Where a column's cells hold decimals. The engine gives them as their exact text, which only the column's type tells
 * from other text: `DECIMAL(18,2)`, `DECIMAL(4,1)[]`, `STRUCT(price DECIMAL(18,2), "odd, name" VARCHAR)`.
 */
export type Decimals =
  | { readonly kind: 'none' | 'decimal' }
  | { readonly kind: 'list'; readonly item: Decimals }
  | { readonly kind: 'map'; readonly value: Decimals }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Decimals> };

export const NO_DECIMALS: Decimals = { kind: 'none' };

/** Reads a column's type as the engine spells it. */
export function decimalsOf(type: string): Decimals {
  const text = type.trim();
  const list = /^(.*)\[\d*\]$/s.exec(text);
  if (list !== null) return { kind: 'list', item: decimalsOf(list[1] ?? '') };
  const call = /^(\w+)\s*\((.*)\)$/s.exec(text);
  const inner = call?.[2] ?? '';
  switch (call?.[1]?.toUpperCase()) {
    case 'DECIMAL':
      return { kind: 'decimal' };
    case 'MAP':
      return { kind: 'map', value: decimalsOf(splitTop(inner)[1] ?? '') };
    case 'STRUCT':
      return { kind: 'struct', fields: new Map(splitTop(inner).map(fieldOf)) };
    default:
      return NO_DECIMALS;
  }
}

/** The part of a shape that belongs to an entry of an object. */
export function decimalsAt(shape: Decimals, name: string): Decimals {
  if (shape.kind === 'struct') return shape.fields.get(name) ?? NO_DECIMALS;
  return shape.kind === 'map' ? shape.value : NO_DECIMALS;
}

/** `"odd ""name""" DECIMAL(4,1)` → its name and shape. */
function fieldOf(text: string): readonly [string, Decimals] {
  const match = /^\s*(?:"((?:[^"]|"")*)"|(\S+))\s+(.*)$/s.exec(text);
  const name = match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? '';
  return [name, decimalsOf(match?.[3] ?? '')];
}

/** Parts between the commas that stand in no parentheses and no quotes. */
function splitTop(text: string): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && character === '(') depth += 1;
    else if (!quoted && character === ')') depth -= 1;
    if (character === ',' && depth === 0 && !quoted) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}
