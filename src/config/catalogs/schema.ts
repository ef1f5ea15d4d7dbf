import { z } from 'zod';
import { GLUE_KEYS, glueSchema } from './glue.ts';
import { HIVE_KEYS, hiveSchema } from './hive.ts';
import { REST_KEYS, restSchema } from './rest.ts';

/** The types of catalogs, each with its settings. A new one adds its schema here, and its keys below. */
export const catalogSchema = z.discriminatedUnion('type', [restSchema, glueSchema, hiveSchema], {
  error: (issue) =>
    issue.code === 'invalid_union'
      ? 'has no type that is known: rest, glue, hive'
      : 'must be a map with a type: rest, glue or hive',
});

/** Catalogs by name: what stands between `iceberg:` and the first dot. */
export const catalogsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'must be a name of letters, digits, _ and -' }),
  catalogSchema,
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be catalogs by name' : undefined) },
);

/** Keys that may stand at a place within `catalogs:`, which begins with the name of a catalog of that type. */
export function catalogKeys(at: readonly PropertyKey[], type: unknown): readonly string[] {
  if (type === 'hive') return HIVE_KEYS;
  return type === 'glue' ? GLUE_KEYS : (REST_KEYS[String(at[1] ?? '')] ?? []);
}
