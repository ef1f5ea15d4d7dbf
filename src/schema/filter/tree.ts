/**
 * A condition on items, free of any SQL dialect. It speaks of attributes of the item, not of columns, so it means the
 * same whatever column a value goes to, and whether it has one. Like SQL it knows true, false and unknown; only what is
 * true is kept.
 *
 * - A comparison with an attribute that is missing, or NULL, is unknown; `is null` and `is missing` never are.
 * - A value of another type than the one it is compared with is not equal to it, and neither less nor greater.
 * - Numbers are compared by value with all their digits, texts by their UTF-8 bytes, as DynamoDB does.
 */
import type { AttributePath } from '../../model/attribute-path.ts';

export type Literal =
  | { readonly kind: 'string'; readonly text: string }
  /** Plain decimal, as DynamoDB writes it. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean };

export type CompareOp = '=' | '<' | '<=' | '>' | '>=';

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly inner: Filter }
  | { readonly kind: 'compare'; readonly path: AttributePath; readonly op: CompareOp; readonly value: Literal }
  | { readonly kind: 'in'; readonly path: AttributePath; readonly values: readonly Literal[] }
  /** `%` and `_` as in SQL; a backslash takes what follows it as it stands. Texts only. */
  | { readonly kind: 'like'; readonly path: AttributePath; readonly pattern: string }
  | { readonly kind: 'begins_with'; readonly path: AttributePath; readonly prefix: string }
  /** A part of a text, or an element of a set or list. */
  | { readonly kind: 'contains'; readonly path: AttributePath; readonly value: Literal }
  /** `null`: missing, or NULL. */
  | { readonly kind: 'is'; readonly path: AttributePath; readonly what: 'null' | 'missing' };

/** The paths that a condition speaks of, each once. */
export function filterPaths(filter: Filter): readonly AttributePath[] {
  const paths = new Map<string, AttributePath>();
  const visit = (node: Filter): void => {
    if ('parts' in node) node.parts.forEach(visit);
    else if (node.kind === 'not') visit(node.inner);
    else paths.set(JSON.stringify(node.path), node.path);
  };
  visit(filter);
  return [...paths.values()];
}
