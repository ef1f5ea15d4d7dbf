import { z } from 'zod';
import type { HiveSettings } from '../../model/catalog.ts';
import { DURATION_FORMS, parseDuration } from '../durations.ts';
import { defined, text } from './kinds.ts';

const ADDRESS = String.raw`thrift://(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@,[\]]+)(?::\d{1,5})?/?`;

const settings = z.strictObject({
  type: z.literal('hive'),
  uri: text.regex(new RegExp(`^${ADDRESS}(?:[\\s,]+${ADDRESS})*$`), {
    error: 'must be thrift://host:9083, or several with commas or spaces between them',
  }),
  warehouse: text.optional(),
  user: text.optional(),
  // On the command line every value is text.
  hiveEngine: z
    .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
    .transform((value) => String(value) === 'true')
    .optional(),
  lockTimeout: text
    .refine((value) => parseDuration(value) !== undefined, { error: `must be ${DURATION_FORMS}` })
    .transform((value) => parseDuration(value))
    .optional(),
});

/** Keys that may stand in the settings of a Hive Metastore. */
export const HIVE_KEYS: readonly string[] = Object.keys(settings.shape);

/** `type: hive` of `catalogs:`. */
export const hiveSchema = settings.transform(({ lockTimeout, ...rest }) =>
  defined<HiveSettings>({ ...rest, lockTimeoutMs: lockTimeout }),
);
