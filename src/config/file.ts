import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { CatalogSettings } from '../model/catalog.ts';
import { TailraceError } from '../model/errors.ts';
import { withHome } from '../model/home.ts';
import { closest } from './closest.ts';
import type { Layer } from './layers.ts';
import { resolveLocation, resolvePath } from './locations.ts';
import { OPTION_ENTRIES, type OptionKey, type OptionValues } from './options.ts';
import { offsetOf, placeInFile } from './place.ts';
import { replaceVariables } from './variables.ts';

/** One entry of `tables:`, with locations that no longer depend on where the file lies. */
export interface FilePipeline {
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly layer: Layer;
}

export interface ConfigFile {
  /** As it was named. */
  readonly path: string;
  readonly layer: Layer;
  readonly pipelines: readonly FilePipeline[];
  readonly catalogs: Readonly<Record<string, CatalogSettings>>;
  /** Options of `load`. */
  readonly load: Readonly<Record<string, unknown>>;
}

export const DEFAULT_CONFIG_FILE = 'tailrace.yaml';

type Env = Readonly<Record<string, string | undefined>>;

/** Reads tailrace.yaml. `named` is undefined when nobody asked for a file: then the default one may be missing. */
export async function readConfigFile(
  named: string | undefined,
  cwd: string,
  env: Env,
): Promise<ConfigFile | undefined> {
  const file = named ?? DEFAULT_CONFIG_FILE;
  let text: string;
  try {
    text = await readFile(path.resolve(cwd, withHome(file, homedir())), 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (named === undefined && code === 'ENOENT') return undefined;
    throw new TailraceError('CONFIG', `The configuration file ${file} cannot be read.`, {
      found: code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'a folder' : String(cause),
      place: file,
      hint: 'Name a readable file with --config.',
      cause,
    });
  }
  return parseConfigFile(text, file, cwd, env);
}

/** The file's text as settings and pipelines. Relative paths in it start at the file's own folder. */
export async function parseConfigFile(text: string, file: string, cwd: string, env: Env): Promise<ConfigFile> {
  const [{ LineCounter, parseDocument, visit }, fileSchema, catalogs] = await Promise.all([
    import('yaml'),
    import('./file-schema.ts'),
    import('./catalogs/schema.ts'),
  ]);
  const schema = { ...fileSchema, ...catalogs };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new TailraceError('CONFIG', `${file} is not valid YAML: ${broken.message}.`, {
      place: placeInFile(file, lines, broken.pos[0], []),
      hint: 'Correct the line; indent with spaces, and quote texts that begin with a special character.',
      cause: broken,
    });
  }
  replaceVariables(document, visit, file, lines, env);
  const place = (keys: readonly PropertyKey[]): string =>
    placeInFile(file, lines, offsetOf(document.contents, keys), keys);
  const parsed = schema.fileSchema.safeParse(document.toJS() ?? {});
  // A key that is misspelt is the cause where another one seems to be missing.
  const issues = parsed.error?.issues ?? [];
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue !== undefined) throw issueError(issue, document.toJS(), place, schema);
  return configOf(
    parsed.data ?? {},
    file,
    path.dirname(path.resolve(cwd, withHome(file, homedir()))),
    cwd,
    place,
    schema.AWS_KEYS,
  );
}

type Place = (keys: readonly PropertyKey[]) => string;
type SchemaModule = typeof import('./file-schema.ts') & typeof import('./catalogs/schema.ts');
type Issue = import('zod').core.$ZodIssue;

function issueError(issue: Issue, data: unknown, place: Place, schema: SchemaModule): TailraceError {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const allowed = allowedKeys(issue.path, data, schema);
    const meant = closest(key, allowed);
    return new TailraceError('CONFIG', `The key ${key} is not known here.`, {
      expected: `one of ${allowed.join(', ')}`,
      found: key,
      place: place([...issue.path, key]),
      hint: meant === undefined ? 'Remove it; docs/reference/config.md lists all keys.' : `Did you mean ${meant}?`,
    });
  }
  const problem = issue.code === 'custom' ? issue.params : undefined;
  const name = issue.path.length === 0 ? 'The file' : issue.path.map(String).join('.');
  return new TailraceError('CONFIG', `${name} ${issue.message}.`, {
    ...(typeof problem?.['expected'] === 'string' ? { expected: problem['expected'] } : {}),
    ...(typeof problem?.['found'] === 'string' ? { found: problem['found'] } : {}),
    place: place(issue.path),
    hint:
      typeof problem?.['hint'] === 'string' ? problem['hint'] : 'docs/reference/config.md shows what may stand there.',
  });
}

function allowedKeys(at: readonly PropertyKey[], data: unknown, schema: SchemaModule): readonly string[] {
  const [section, name = ''] = at;
  if (section === 'catalogs')
    return schema.catalogKeys(at.slice(1), asPlain(asPlain(asPlain(data)[section])[String(name)])['type']);
  if (section === 'load') return schema.LOAD_KEYS;
  if (at.at(-1) === 'aws') return [...schema.AWS_KEYS.keys()];
  const inPipeline = at[0] === 'tables';
  if (inPipeline && at.length === 3) return ['location', 'aws'];
  if (inPipeline) return schema.PIPELINE_KEYS;
  return at.length === 1 ? ['aws'] : schema.TOP_KEYS;
}

type Plain = Readonly<Record<string, unknown>>;

function configOf(
  data: Plain,
  file: string,
  folder: string,
  cwd: string,
  place: Place,
  awsKeys: SchemaModule['AWS_KEYS'],
): ConfigFile {
  const layerAt = (settings: Plain, at: readonly string[]): Layer => {
    const values: Record<string, unknown> = {};
    const places: Partial<Record<OptionKey, string>> = {};
    const set = (key: OptionKey, value: unknown, keys: readonly string[]): void => {
      if (value === undefined) return;
      values[key] = value;
      places[key] = place([...at, ...keys]);
    };
    for (const [key, spec] of OPTION_ENTRIES) {
      if (spec.filePath !== undefined || spec.flagOnly === true) continue;
      const value = settings[key];
      set(
        key,
        spec.kind === 'path' && typeof value === 'string' && value !== '' ? resolvePath(value, folder, cwd) : value,
        [key],
      );
    }
    for (const end of ['source', 'target'] as const) {
      const aws = asPlain(asPlain(settings[end])['aws']);
      for (const [name, options] of awsKeys) set(options[end], aws[name], [end, 'aws', name]);
    }
    return { values: values as OptionValues, places, blame: 'CONFIG' };
  };
  return {
    path: file,
    layer: layerAt(data, []),
    catalogs: asPlain(data['catalogs']) as ConfigFile['catalogs'],
    load: asPlain(data['load']),
    pipelines: Object.entries(asPlain(data['tables'])).map(([name, settings]) => ({
      name,
      source: resolveLocation(String(asPlain(asPlain(settings)['source'])['location']), folder, cwd),
      target: resolveLocation(String(asPlain(asPlain(settings)['target'])['location']), folder, cwd),
      layer: layerAt(asPlain(settings), ['tables', name]),
    })),
  };
}

function asPlain(value: unknown): Plain {
  return typeof value === 'object' && value !== null ? (value as Plain) : {};
}
