import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Contender, PYTHON } from '../measure.ts';
import type { GeneratedExport } from './generate.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The command as built; another build's may be measured in its place. */
export const MAIN = here('../../dist/cli/main.js');

/** (a) Document 2's two Spark jobs, each a whole process: detect the schema, then create the table. */
export function document2(data: GeneratedExport): Contender {
  const job = (step: string, runDir: string): readonly string[] => [
    PYTHON,
    here('document2.py'),
    step,
    data.folder,
    join(runDir, 'schema.json'),
    join(runDir, 'lake'),
  ];
  return {
    name: 'a: Spark, document 2',
    clock: 'whole process',
    steps: (runDir) => [job('detect', runDir), job('create', runDir)],
    check: (runDir) => check('iceberg', join(runDir, 'lake/db/t'), data),
  };
}

/** (b) Spark that is given a typed schema, second run in one session. */
export function sparkTyped(data: GeneratedExport): Contender {
  return {
    name: 'b: Spark, schema given, warm',
    clock: 'printed',
    steps: (runDir) => [[PYTHON, here('spark_typed.py'), data.folder, join(runDir, 'lake')]],
    check: (runDir) => check('iceberg', join(runDir, 'lake/db/t'), data),
  };
}

/** (c) SQL written by hand for DuckDB, schema given, nothing verified; from Node. */
export function byHandNode(data: GeneratedExport): Contender {
  return {
    name: 'c: DuckDB by hand (Node)',
    clock: 'whole process',
    steps: (runDir) => [[process.execPath, here('by-hand.mjs'), data.folder, join(runDir, 't.parquet')]],
    check: (runDir) => check('parquet', join(runDir, 't.parquet'), data),
  };
}

/** (c) The same SQL from Python. */
export function byHandPython(data: GeneratedExport): Contender {
  return {
    name: 'c: DuckDB by hand (Python)',
    clock: 'whole process',
    steps: (runDir) => [[PYTHON, here('by_hand.py'), data.folder, join(runDir, 't.parquet')]],
    check: (runDir) => check('parquet', join(runDir, 't.parquet'), data),
  };
}

export interface TailraceSetting {
  readonly name?: string;
  /** The built command. */
  readonly main: string;
  /** Where the export is read; its folder if absent. */
  readonly source?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** (d) tailrace as installed: no schema given, everything verified, to Iceberg; two threads like everyone. */
export function tailrace(data: GeneratedExport, setting: TailraceSetting): Contender {
  return {
    name: setting.name ?? 'd: tailrace',
    clock: 'whole process',
    ...(setting.env === undefined ? {} : { env: setting.env }),
    steps: (runDir) => [
      [
        process.execPath,
        setting.main,
        'sync',
        setting.source ?? data.folder,
        join(runDir, 'table'),
        '--json',
        '--threads',
        '2',
        ...(setting.flags ?? []),
      ],
    ],
    check: (runDir) => check('iceberg', join(runDir, 'table'), data),
  };
}

/** The table is compared with what the generator knows of its items. */
async function check(kind: 'iceberg' | 'parquet', path: string, data: GeneratedExport): Promise<void> {
  const argv = [here('check.py'), kind, path, join(data.root, 'generated.json')];
  try {
    await promisify(execFile)(PYTHON, argv);
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`the table is wrong: ${stdout}${stderr}`, { cause: thrown });
  }
}
