import type { RestAuth } from '../../../model/catalog.ts';
import { TailraceError } from '../../../model/errors.ts';
import type { Auth } from '../http.ts';
import type { RestLimits } from '../limits.ts';
import { oauth2 } from './oauth2.ts';
import { sigv4 } from './sigv4.ts';

/** The way of proving who calls that the settings name. `uri` is the catalog's. */
export function openAuth(settings: RestAuth, uri: string, limits: RestLimits): Auth {
  switch (settings.kind) {
    case 'none':
      return { headers: async () => ({}), renew: async () => false };
    case 'bearer': {
      const token = secretOf(settings.tokenEnv);
      return { headers: async () => ({ authorization: `Bearer ${token}` }), renew: async () => false };
    }
    case 'oauth2':
      return oauth2({ ...settings, clientSecret: secretOf(settings.clientSecretEnv) }, uri, limits);
    case 'sigv4':
      return sigv4(settings);
  }
}

/** A secret by the name of its variable: settings, which may be printed, never hold it. */
function secretOf(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new TailraceError(
    'CONFIG',
    `The environment variable ${name}, which holds a secret of the catalog, is not set.`,
    {
      place: name,
      hint: `Set ${name}, or name another variable in the settings of the catalog.`,
    },
  );
}
