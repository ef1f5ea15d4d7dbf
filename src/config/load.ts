import { TailraceError } from '../model/errors.ts';
import type { SyncOptions } from '../model/options.ts';
import { definedCatalogs } from './catalogs/flag.ts';
import { closest } from './closest.ts';
import { type ConfigFile, readConfigFile } from './file.ts';
import { environmentLayer, flagLayer, type Layer } from './layers.ts';
import { loadEnvironment } from './load-options.ts';
import type { OptionValues } from './options.ts';
import { type ClauseParsers, resolveOptions } from './resolve.ts';

/** One source and one target, with all that is needed to run. */
export interface Pipeline {
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly options: SyncOptions;
}

/** What file, environment and flags say together: file < environment < flags. */
export interface Configuration {
  /** The file that was read, if there was one. */
  readonly file: string | undefined;
  readonly json: boolean;
  readonly logLevel: NonNullable<OptionValues['logLevel']>;
  /** Names of the environment variables that hold secrets of catalogs. */
  readonly secretVariables: readonly string[];
  /** What file and environment say of the options that `load` alone has, by their keys. */
  readonly load: Readonly<Record<string, unknown>>;
  /** Options of a run that no pipeline describes. */
  options(): SyncOptions;
  /** The pipelines of these names, or all. */
  pipelines(names: readonly string[]): readonly Pipeline[];
}

export interface ConfigurationInput {
  /** Flags by key, as the command parsed them; `config` names the file. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly parsers: ClauseParsers;
}

/** Reads the file and the environment and merges them with the flags. */
export async function loadConfiguration({ flags, env, cwd, parsers }: ConfigurationInput): Promise<Configuration> {
  const above = [environmentLayer(env), flagLayer(flags)];
  const named = typeof flags['config'] === 'string' ? flags['config'] : env['TAILRACE_CONFIG'] || undefined;
  const file = await readConfigFile(named, cwd, env);
  const layers: readonly Layer[] = [...(file === undefined ? [] : [file.layer]), ...above];
  const top: OptionValues = Object.assign({}, ...layers.map((layer) => layer.values));
  const place = layers.findLast((layer) => layer.places.catalog !== undefined)?.places.catalog ?? '--catalog';
  const catalogs = { ...file?.catalogs, ...(await definedCatalogs(top.catalog ?? [], place)) };
  return {
    file: file?.path,
    json: top.json ?? false,
    logLevel: top.logLevel ?? 'warn',
    secretVariables: secretVariables(catalogs),
    load: { ...file?.load, ...loadEnvironment(env) },
    options: () => ({ ...resolveOptions(layers, parsers), catalogs }),
    pipelines: (names) =>
      chosen(file, named, names).map(({ name, source, target, layer }) => ({
        name,
        source,
        target,
        options: {
          ...resolveOptions([...(file === undefined ? [] : [file.layer]), layer, ...above], parsers),
          catalogs,
        },
      })),
  };
}

/** Settings name them by keys that end in `Env`. */
function secretVariables(settings: object): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return secretVariables(value);
    return key.endsWith('Env') && typeof value === 'string' ? [value] : [];
  });
}

function chosen(
  file: ConfigFile | undefined,
  named: string | undefined,
  names: readonly string[],
): ConfigFile['pipelines'] {
  if (file === undefined || file.pipelines.length === 0) {
    const where = file?.path ?? named ?? 'tailrace.yaml';
    throw new TailraceError(
      'USAGE',
      `No source and target are named, and ${where} ${file === undefined ? 'does not exist' : 'has no tables'}.`,
      {
        place: where,
        hint: 'Write `tailrace sync <source> <target>`, or list pipelines under `tables:`.',
      },
    );
  }
  const known = file.pipelines.map((pipeline) => pipeline.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const meant = closest(unknown, known);
    throw new TailraceError('USAGE', `${file.path} has no table called ${unknown}.`, {
      expected: `one of ${known.join(', ')}`,
      place: '--table',
      ...(meant === undefined ? {} : { hint: `Did you mean ${meant}?` }),
    });
  }
  return names.length === 0 ? file.pipelines : file.pipelines.filter((pipeline) => names.includes(pipeline.name));
}
