/**
 * Measures whole processes from outside.
 *
 * Contenders take turns (A B C, A B C, …), so that a machine that slows down slows all of them, and
 * ratios are taken round by round. What one run costs: wall time of the process, CPU time of it and its
 * descendants by the kernel's account, and as peak memory the larger of (1) the greatest sum of resident memory of the
 * process tree, polled every 50 ms, and (2) the kernel's high-water mark of the largest process.
 * Page cache is not counted. Preparation, checks and cleaning up are outside the clock.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendantsRssBytes } from './process-tree.ts';

const POLL_MS = 50;
const VENV_PYTHON = fileURLToPath(new URL('../.cache/venv/bin/python', import.meta.url));
const RUSAGE = fileURLToPath(new URL('rusage.py', import.meta.url));

/** The project's own Python where it is set up, the system's otherwise. */
export const PYTHON = existsSync(VENV_PYTHON) ? VENV_PYTHON : 'python3';

/** What one run cost. */
export interface Sample {
  readonly seconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakBytes: number;
}

export interface CommandResult extends Sample {
  readonly stdout: string;
}

export interface Contender {
  readonly name: string;
  /** Makes ready what a run finds, outside the clock. */
  before?(): Promise<void>;
  /** Commands of one run, one after the other; all of them count. Called before the clock starts. */
  steps(runDir: string): readonly (readonly string[])[];
  readonly env?: Readonly<Record<string, string>>;
  /** `printed`: the time is the number `seconds` in the last line of stdout instead of the whole process. */
  readonly clock: 'whole process' | 'printed';
  /** Proves the result, outside the clock. Throws if it is wrong. */
  check?(runDir: string): Promise<void>;
}

/** Runs one command and says what it cost. */
export async function runCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'tailrace-bench-'));
  const result = join(scratch, 'usage.json');
  const child = spawn(PYTHON, [RUSAGE, result, ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-8_000);
  });
  let treeBytes = 0;
  const poll = setInterval(() => {
    if (child.pid !== undefined) treeBytes = Math.max(treeBytes, descendantsRssBytes(child.pid));
  }, POLL_MS);
  try {
    const code = await new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}\n${stderr}\n${stdout.slice(-2_000)}`);
    const usage = JSON.parse(await readFile(result, 'utf8')) as Omit<Sample, 'peakBytes'> & {
      largestProcessBytes: number;
    };
    const { largestProcessBytes, ...times } = usage;
    return { ...times, peakBytes: Math.max(treeBytes, largestProcessBytes), stdout };
  } finally {
    clearInterval(poll);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One run of a contender: the sum of its steps' times, the largest of their peaks. */
export async function runOnce(contender: Contender, runDir: string): Promise<Sample> {
  await contender.before?.();
  const steps: CommandResult[] = [];
  for (const argv of contender.steps(runDir)) steps.push(await runCommand(argv, contender.env));
  await contender.check?.(runDir);
  const sum = (of: (step: CommandResult) => number): number => steps.reduce((total, step) => total + of(step), 0);
  return {
    seconds: contender.clock === 'printed' ? printedSeconds(steps) : sum((step) => step.seconds),
    userSeconds: sum((step) => step.userSeconds),
    systemSeconds: sum((step) => step.systemSeconds),
    peakBytes: Math.max(...steps.map((step) => step.peakBytes)),
  };
}

function printedSeconds(steps: readonly CommandResult[]): number {
  const last = steps.at(-1)?.stdout.trim().split('\n').at(-1) ?? '';
  const { seconds } = JSON.parse(last) as { seconds?: unknown };
  if (typeof seconds !== 'number') throw new Error(`no time in the last line: ${last}`);
  return seconds;
}

export interface Rounds {
  readonly warmUps: number;
  readonly rounds: number;
  /** A folder that may be filled; each run gets a fresh one below it, which is gone after. */
  readonly workDir: string;
  readonly log: (line: string) => void;
}

/** Lets contenders take turns; one sample a contender and round, in order. */
export async function alternate(contenders: readonly Contender[], plan: Rounds): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(contenders.map((contender) => [contender.name, []]));
  for (let round = -plan.warmUps; round < plan.rounds; round += 1) {
    for (const contender of contenders) {
      const runDir = await mkdtemp(join(plan.workDir, 'run-'));
      try {
        const sample = await runOnce(contender, runDir);
        if (round >= 0) samples.get(contender.name)?.push(sample);
        const label = round < 0 ? 'warm-up' : `round ${round + 1}/${plan.rounds}`;
        const megabytes = Math.round(sample.peakBytes / 1e6);
        plan.log(`${label}  ${contender.name}: ${sample.seconds.toFixed(2)} s, ${megabytes} MB`);
      } finally {
        await rm(runDir, { recursive: true, force: true });
      }
    }
  }
  return samples;
}
