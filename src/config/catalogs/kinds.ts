/** Kinds of values that settings of catalogs have. */
import { z } from 'zod';

export const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });

export const variable = text.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'must be the name of an environment variable, not the secret itself',
});

export const address = text.regex(/^https?:\/\/[^/\s@]+(?:\/[^\s]*)?$/, {
  error: 'must be an http or https address without a user in it',
});

/** Optional properties are absent, never undefined. */
export function defined<T>(value: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
}

/** What is said of a value that is no map, or not of the kind. */
export function whole(what: string): (issue: { readonly code?: string | undefined }) => string | undefined {
  return (issue) => (issue.code === 'invalid_type' ? `must be ${what}` : undefined);
}
