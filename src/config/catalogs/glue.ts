import { z } from 'zod';
import type { GlueSettings } from '../../model/catalog.ts';
import { address, defined, text } from './kinds.ts';

const settings = z.strictObject({
  type: z.literal('glue'),
  region: text.optional(),
  profile: text.optional(),
  roleArn: text.optional(),
  externalId: text.optional(),
  endpoint: address.optional(),
  // YAML takes an account for a number, and drops its leading zeros.
  catalogId: z
    .string({ error: 'must be text: put it in quotes' })
    .regex(/^\d{12}(?::.+)?$/, { error: 'must be an account of twelve digits' })
    .optional(),
  warehouse: text.optional(),
});

/** Keys that may stand in the settings of a Glue catalog. */
export const GLUE_KEYS: readonly string[] = Object.keys(settings.shape);

/** `type: glue` of `catalogs:`. */
export const glueSchema = settings.transform(({ type, catalogId, warehouse, ...aws }) =>
  defined<GlueSettings>({ type, catalogId, warehouse, aws: defined(aws) }),
);
