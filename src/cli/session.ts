import { type Configuration, loadConfiguration } from '../config/load.ts';
import { asTailraceError, type TailraceError } from '../model/errors.ts';
import type { RunContext } from '../model/options.ts';
import type { ReportError } from '../model/report.ts';
import type { Library } from './library.ts';
import { errorText, reportError, stackText } from './print/error-text.ts';
import { createLog, type LogLevel } from './print/log.ts';
import { createProgress } from './print/progress.ts';
import { type Redactor, redactor } from './print/redact.ts';
import { type Style, styleFor } from './print/style.ts';
import type { World } from './world.ts';

/** Writes what the user reads: reports on stdout; errors, logs and progress on stderr. */
export class Output {
  readonly style: Style;
  redact: Redactor;
  json: boolean;
  logLevel: LogLevel = 'warn';
  private readonly world: World;
  private readonly errorStyle: Style;

  constructor(world: World, json: boolean) {
    this.world = world;
    this.json = json;
    this.style = styleFor(world.stdout, world.env);
    this.errorStyle = styleFor(world.stderr, world.env);
    this.redact = redactor(world.env);
  }

  /** The one document of --json, or its text for people. */
  async report(document: unknown, text: () => string): Promise<void> {
    await this.world.stdout.write(this.json ? `${JSON.stringify(document, undefined, 2)}\n` : text());
  }

  /** An error on stderr, with stacks for --log-level debug. Returns the command's exit code. */
  async error(thrown: unknown, shown: ReportError | TailraceError = asTailraceError(thrown)): Promise<void> {
    await this.world.stderr.write(errorText(reportError(shown, this.redact), this.errorStyle));
    if (this.logLevel === 'debug') await this.world.stderr.write(stackText(thrown, this.redact));
  }

  /** A failure that has no report of its own: the error document on stdout with --json, the text on stderr always. */
  async failure(thrown: unknown): Promise<number> {
    const error = asTailraceError(thrown);
    if (this.json) await this.report({ outcome: 'failed', error: reportError(error, this.redact) }, () => '');
    await this.error(thrown, error);
    return error.exitCode;
  }
}

/** What a verb works with once file, environment and flags are read. */
export interface Session {
  readonly world: World;
  readonly output: Output;
  readonly configuration: Configuration;
  readonly library: Library;
  readonly context: RunContext;
  /** Takes the progress line away and waits for the log; call before printing a report. */
  settle(): Promise<void>;
}

/** Reads the configuration and prepares log and progress. */
export async function openSession(
  world: World,
  output: Output,
  flags: Readonly<Record<string, unknown>>,
): Promise<Session> {
  const library = await world.library();
  const configuration = await loadConfiguration({ flags, env: world.env, cwd: world.cwd, parsers: library });
  output.json ||= configuration.json;
  output.logLevel = configuration.logLevel;
  output.redact = redactor(world.env, configuration.secretVariables);
  const write = (text: string): void => void world.stderr.write(text);
  const progress = createProgress({
    isTerminal: world.stderr.isTerminal,
    columns: () => world.stderr.columns,
    write,
    now: world.now,
  });
  const { log, done } = createLog({
    level: configuration.logLevel,
    isTerminal: world.stderr.isTerminal,
    style: styleFor(world.stderr, world.env),
    redact: output.redact,
    write: (text) => progress.interject(text),
  });
  return {
    world,
    output,
    configuration,
    library,
    context: { signal: world.signal, onProgress: (state) => progress.update(state), log },
    async settle() {
      progress.clear();
      await done();
    },
  };
}
