import { z } from 'zod';
import { catalogsSchema } from './catalogs/schema.ts';
import { LOAD_OPTIONS } from './load-options.ts';
import type { OptionSpec } from './option-spec.ts';
import { OPTION_ENTRIES, type OptionKey } from './options.ts';
import { parseValue, showValue } from './values.ts';

/** What a problem with a value carries beside its text, for the error. */
export interface ValueProblem {
  readonly expected: string;
  readonly found: string;
  readonly hint?: string;
}

/** Keys of `source.aws` and `target.aws`, with the option that each one is. */
export const AWS_KEYS = new Map<string, { readonly source: OptionKey; readonly target: OptionKey }>(
  OPTION_ENTRIES.flatMap(([key, spec]) => {
    if (spec.filePath?.[0] !== 'source') return [];
    const name = spec.filePath[2];
    const target = OPTION_ENTRIES.find(([, other]) => other.filePath?.[0] === 'target' && other.filePath[2] === name);
    return target === undefined ? [] : [[name, { source: key, target: target[0] }] as const];
  }),
);

const plainEntries = OPTION_ENTRIES.filter(([, spec]) => spec.filePath === undefined && spec.flagOnly !== true);

/** Option keys that may stand at the top of the file. */
export const TOP_KEYS: readonly string[] = [
  ...plainEntries.map(([key]) => key),
  'source',
  'target',
  'catalogs',
  'load',
  'tables',
];
/** Keys of `load:`. */
export const LOAD_KEYS: readonly string[] = Object.keys(LOAD_OPTIONS);
/** Keys that may stand in a pipeline. */
export const PIPELINE_KEYS: readonly string[] = [
  ...plainEntries.filter(([, spec]) => spec.topOnly !== true).map(([key]) => key),
  'source',
  'target',
];

function valueSchema(spec: OptionSpec): z.ZodType {
  return z.unknown().transform((raw, context) => {
    const parsed = parseValue(spec, raw);
    if (parsed.ok) return parsed.value;
    const problem: ValueProblem = {
      expected: parsed.expected,
      found: showValue(raw),
      ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    };
    context.addIssue({ code: 'custom', message: `cannot be ${showValue(raw)}`, params: problem });
    return z.NEVER;
  });
}

const optionShape = (keys: readonly string[]): Record<string, z.ZodOptional> =>
  Object.fromEntries(
    plainEntries.filter(([key]) => keys.includes(key)).map(([key, spec]) => [key, valueSchema(spec).optional()]),
  );

function awsSchema(end: 'source' | 'target'): z.ZodType {
  const shape = OPTION_ENTRIES.flatMap(([, spec]) =>
    spec.filePath?.[0] === end ? [[spec.filePath[2], valueSchema(spec).optional()] as const] : [],
  );
  return z.strictObject(Object.fromEntries(shape), { error: mapExpected('AWS settings') });
}

const location = z.string({ error: 'must be a location' }).min(1, { error: 'must be a location' });

/** An end of a pipeline: its location, alone or with AWS settings of its own. */
function endSchema(end: 'source' | 'target'): z.ZodType {
  return z.unknown().transform((raw, context) => {
    const shape =
      typeof raw === 'string'
        ? location
        : z.strictObject(
            { location, aws: awsSchema(end).optional() },
            {
              error: mapExpected('a location, or a map with location and aws'),
            },
          );
    const parsed = shape.safeParse(raw);
    if (parsed.success) return typeof parsed.data === 'string' ? { location: parsed.data } : parsed.data;
    for (const issue of parsed.error.issues) context.addIssue({ ...issue } as Parameters<typeof context.addIssue>[0]);
    return z.NEVER;
  });
}

/** tailrace.yaml after ${ENV} was replaced. Keys that it does not name are refused at every level. */
export const fileSchema = z.strictObject(
  {
    ...optionShape(TOP_KEYS),
    source: z
      .strictObject({ aws: awsSchema('source').optional() }, { error: mapExpected('a map with aws') })
      .optional(),
    target: z
      .strictObject({ aws: awsSchema('target').optional() }, { error: mapExpected('a map with aws') })
      .optional(),
    catalogs: catalogsSchema.optional(),
    load: z
      .strictObject(
        Object.fromEntries(Object.entries(LOAD_OPTIONS).map(([key, spec]) => [key, valueSchema(spec).optional()])),
        { error: mapExpected('a map of options of load') },
      )
      .optional(),
    tables: z
      .record(
        z.string(),
        z.strictObject(
          { ...optionShape(PIPELINE_KEYS), source: endSchema('source'), target: endSchema('target') },
          {
            error: mapExpected('a map with source and target'),
          },
        ),
        { error: mapExpected('pipelines by name') },
      )
      .optional(),
  },
  { error: mapExpected('a map of settings') },
);

/** zod reports unknown keys by the same error; those keep zod's own text, which file.ts replaces. */
function mapExpected(what: string): (issue: { readonly code?: string | undefined }) => string | undefined {
  return (issue) => (issue.code === 'invalid_type' ? `must be ${what}` : undefined);
}
