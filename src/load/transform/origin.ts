import type { KeyPart } from '../../dynamodb/describe.ts';
import type { CellType } from '../values/cells.ts';
import type { Transform } from './parse.ts';

/** What a top-level attribute is called in the input, before the first `until` transforms. */
export function originOf(name: string, transforms: readonly Transform[], until = transforms.length): string {
  return transforms
    .slice(0, until)
    .reduceRight(
      (known, each) =>
        each.kind === 'rename' && each.to.length === 1 && each.to[0] === known ? (each.from[0] ?? known) : known,
      name,
    );
}

/**
 * Columns of a CSV file whose type does not come from their cells: those of the table's key have its types, and those
 * that are cast are texts until then, so that the cast sees what stands in the file.
 */
export function fixedTypes(transforms: readonly Transform[], key: readonly KeyPart[]): Map<string, CellType> {
  const types = new Map<string, CellType>();
  for (const { attr, tag } of key) types.set(originOf(attr, transforms), tag === 'N' ? 'number' : 'string');
  for (const [place, each] of transforms.entries()) {
    const [name] = each.kind === 'cast' ? each.path : [];
    if (name !== undefined) types.set(originOf(name, transforms, place), 'string');
  }
  return types;
}
