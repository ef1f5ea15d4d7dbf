import fc from 'fast-check';
import { canonicalNumber } from '../../../src/model/number.ts';
import type { Filter, Literal } from '../../../src/schema/filter/tree.ts';

/** Random conditions on these paths with these constants. */
export function filters(
  paths: readonly (readonly (string | number)[])[],
  texts: readonly string[],
  numbers: readonly string[],
): fc.Arbitrary<Filter> {
  const path = fc.constantFrom(...paths);
  const text = fc.constantFrom(...texts);
  const literal: fc.Arbitrary<Literal> = fc.oneof(
    text.map((each) => ({ kind: 'string' as const, text: each })),
    fc.constantFrom(...numbers).map((each) => ({ kind: 'number' as const, text: canonicalNumber(each) ?? '0' })),
    fc.boolean().map((value) => ({ kind: 'boolean' as const, value })),
  );
  const ordered = literal.filter(({ kind }) => kind !== 'boolean');
  const leaf: fc.Arbitrary<Filter> = fc.oneof(
    fc.record({ kind: fc.constant('compare' as const), path, op: fc.constant('=' as const), value: literal }),
    fc.record({
      kind: fc.constant('compare' as const),
      path,
      op: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const),
      value: ordered,
    }),
    fc.record({ kind: fc.constant('in' as const), path, values: fc.array(literal, { minLength: 1, maxLength: 4 }) }),
    fc.record({
      kind: fc.constant('like' as const),
      path,
      pattern: fc.constantFrom('%', '_', 'a%', '%b', '%\\%%', '_b%', 'x\\_y', ''),
    }),
    fc.record({ kind: fc.constant('begins_with' as const), path, prefix: text }),
    fc.record({ kind: fc.constant('contains' as const), path, value: literal }),
    fc.record({ kind: fc.constant('is' as const), path, what: fc.constantFrom('null' as const, 'missing' as const) }),
  );
  const grown = (depth: number): fc.Arbitrary<Filter> => {
    if (depth === 0) return leaf;
    const inner = grown(depth - 1);
    const parts = fc.array(inner, { minLength: 2, maxLength: 3 });
    return fc.oneof(
      leaf,
      parts.map((all) => joined('and', all)),
      parts.map((all) => joined('or', all)),
      inner.map((one): Filter => (one.kind === 'not' ? one : { kind: 'not', inner: one })),
    );
  };
  return grown(2);
}

function joined(kind: 'and' | 'or', parts: readonly Filter[]): Filter {
  return { kind, parts: parts.flatMap((part) => (part.kind === kind ? part.parts : [part])) };
}
