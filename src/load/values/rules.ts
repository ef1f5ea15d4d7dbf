import type { AttributeValue, Item } from '../../model/item.ts';
import { LineFault } from '../../source/lines/scan.ts';

/** What becomes of empty texts and nulls, anywhere in an item. */
export interface ValueRules {
  readonly empty: 'keep' | 'null' | 'drop';
  readonly nulls: 'keep' | 'drop';
  /** Top-level attributes whose lists are sets. */
  readonly sets: readonly string[];
}

const NULL: AttributeValue = { tag: 'NULL', value: true };

/** The item by the rules. Throws LineFault where a list cannot be a set. */
export function applyRules(item: Item, rules: ValueRules): Item {
  const idle = rules.empty === 'keep' && rules.nulls === 'keep';
  if (idle && rules.sets.length === 0) return item;
  const result = new Map<string, AttributeValue>();
  for (const [name, before] of item) {
    const value = idle ? before : ruled(before, rules);
    if (value === undefined) continue;
    const asked = rules.sets.includes(name) ? setOf(value, name) : value;
    if (asked !== undefined) result.set(name, asked);
  }
  return result;
}

/** Undefined: it is dropped. An element of a list keeps its place: it becomes NULL rather than nothing. */
function ruled(value: AttributeValue, rules: ValueRules): AttributeValue | undefined {
  switch (value.tag) {
    case 'S':
      if (value.value !== '' || rules.empty === 'keep') return value;
      return rules.empty === 'null' && rules.nulls === 'keep' ? NULL : undefined;
    case 'NULL':
      return rules.nulls === 'keep' ? value : undefined;
    case 'L':
      return { tag: 'L', value: value.value.map((element) => ruled(element, rules) ?? NULL) };
    case 'M': {
      const kept = [...value.value].flatMap(([name, member]) => {
        const result = ruled(member, rules);
        return result === undefined ? [] : [[name, result] as const];
      });
      return { tag: 'M', value: new Map(kept) };
    }
    default:
      return value;
  }
}

/** A list as a set: of texts or of numbers, each once. Undefined for an empty list: DynamoDB has no empty sets. */
export function setOf(value: AttributeValue, name: string): AttributeValue | undefined {
  if (value.tag === 'SS' || value.tag === 'NS' || value.tag === 'BS' || value.tag === 'NULL') return value;
  if (value.tag !== 'L') throw new LineFault(`attribute ${name}: a ${value.tag} cannot become a set`);
  const [first] = value.value;
  if (first === undefined) return undefined;
  const { tag } = first;
  if (tag !== 'S' && tag !== 'N' && tag !== 'B')
    throw new LineFault(`attribute ${name}: a list with ${tag} cannot become a set`);
  const texts = value.value.map((element) => {
    if (element.tag !== tag) throw new LineFault(`attribute ${name}: a list of several types cannot become a set`);
    return element.value;
  });
  return { tag: `${tag}S`, value: [...new Set(texts)] };
}
