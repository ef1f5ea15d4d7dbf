import { z } from 'zod';
import type { RestAuth, RestSettings } from '../../model/catalog.ts';
import { address, defined, text, variable, whole } from './kinds.ts';

const oauth = z.strictObject(
  {
    serverUri: address.optional(),
    clientId: text.optional(),
    clientSecretEnv: variable,
    scope: text.optional(),
    audience: text.optional(),
    resource: text.optional(),
  },
  { error: whole('a map with clientId and clientSecretEnv') },
);

const sigv4 = z.strictObject(
  {
    service: text.default('glue'),
    region: text.optional(),
    profile: text.optional(),
    roleArn: text.optional(),
    externalId: text.optional(),
  },
  { error: whole('a map with service and region') },
);

/** Keys that may stand in the settings of a REST catalog, and in the maps within them. */
export const REST_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['type', 'uri', 'warehouse', 'tokenEnv', 'oauth', 'sigv4', 'headers', 'credentials'],
  oauth: Object.keys(oauth.shape),
  sigv4: Object.keys(sigv4.shape),
};

/** `type: rest` of `catalogs:`. */
export const restSchema = z
  .strictObject({
    type: z.literal('rest'),
    uri: address,
    warehouse: text.optional(),
    tokenEnv: variable.optional(),
    oauth: oauth.optional(),
    sigv4: sigv4.optional(),
    headers: z.record(z.string(), text, { error: whole('headers by name') }).optional(),
    credentials: z.enum(['vended', 'own'], { error: 'must be vended or own' }).default('vended'),
  })
  .check(({ value, issues }) => {
    const ways = (['tokenEnv', 'oauth', 'sigv4'] as const).filter((key) => value[key] !== undefined);
    if (ways.length < 2) return;
    issues.push({
      code: 'custom',
      message: `names ${ways.length} ways to prove who calls`,
      input: value,
      params: { expected: 'one of tokenEnv, oauth and sigv4, or none', found: ways.join(', ') },
    });
  })
  .transform(({ tokenEnv, oauth: client, sigv4: signing, ...rest }) => {
    return defined<RestSettings>({ ...rest, auth: authOf(tokenEnv, client, signing) });
  });

function authOf(
  tokenEnv: string | undefined,
  client: z.infer<typeof oauth> | undefined,
  signing: z.infer<typeof sigv4> | undefined,
): RestAuth {
  if (tokenEnv !== undefined) return { kind: 'bearer', tokenEnv };
  if (client !== undefined) return defined({ kind: 'oauth2', ...client });
  if (signing === undefined) return { kind: 'none' };
  const { service, ...aws } = signing;
  return { kind: 'sigv4', service, aws: defined(aws) };
}
