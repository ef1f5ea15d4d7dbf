import type { CatalogSettings } from '../../model/catalog.ts';
import { TailraceError } from '../../model/errors.ts';

/** How a catalog is written on the command line. */
export const DEFINITION_FORM = 'NAME=TYPE[,KEY=VALUE …]';

const DEFINITION = /^([A-Za-z0-9_-]+)=([a-z]+)((?:,[^,=]+=[^,]*)*)$/;

/** Whether a text has the form of a definition. */
export function isDefinition(text: string): boolean {
  return DEFINITION.test(text);
}

/**
 * Catalogs of `--catalog prod=rest,uri=https://…,oauth.clientSecretEnv=SECRET`: the same settings as in the file, with
 * dots for maps within maps.
 */
export async function definedCatalogs(
  texts: readonly string[],
  place: string,
): Promise<Readonly<Record<string, CatalogSettings>>> {
  if (texts.length === 0) return {};
  const { catalogsSchema } = await import('./schema.ts');
  const catalogs: Record<string, CatalogSettings> = {};
  for (const text of texts) {
    const [, name = '', type = '', rest = ''] = DEFINITION.exec(text) ?? [];
    const parsed = catalogsSchema.safeParse({ [name]: settingsOf(type, rest) });
    const issue = parsed.error?.issues[0];
    if (issue === undefined) Object.assign(catalogs, parsed.data);
    else throw refused(issue, place, text);
  }
  return catalogs;
}

function settingsOf(type: string, rest: string): Record<string, unknown> {
  const settings: Record<string, unknown> = { type };
  for (const pair of rest.split(',').slice(1)) {
    const equals = pair.indexOf('=');
    const [outer = '', inner] = pair.slice(0, equals).split(/\.(.*)/s);
    const value = pair.slice(equals + 1);
    if (inner === undefined) settings[outer] = value;
    else settings[outer] = { ...(settings[outer] as object | undefined), [inner]: value };
  }
  return settings;
}

function refused(issue: import('zod').core.$ZodIssue, place: string, found: string): TailraceError {
  const key = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const name = key.map(String).join('.');
  const message = issue.code === 'unrecognized_keys' ? 'is not known' : issue.message;
  return new TailraceError('USAGE', `${place}: ${name} ${message}.`, {
    place,
    expected: DEFINITION_FORM,
    found,
    hint: 'docs/reference/config.md shows the settings of each type of catalog.',
  });
}
