import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GeneratedExport } from '../full-export/generate.ts';
import { type Contender, PYTHON, runCommand } from '../measure.ts';
import type { Chain } from './window.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface Setting {
  readonly base: GeneratedExport;
  readonly chain: Chain;
  /** Tables lie here, each at a place of its own: their metadata name absolute paths, so a copy must come back there. */
  readonly tablesDir: string;
  /** The built command. */
  readonly main: string;
}

interface Kind {
  readonly name: string;
  /** Folder of the table or warehouse below `tablesDir`; contenders of one format share what is prepared. */
  readonly folder: string;
  readonly clock: Contender['clock'];
  readonly prepare: (place: string) => readonly string[];
  readonly merge: (place: string) => readonly string[];
  readonly check: readonly [kind: string, below: string];
}

/** A contender that finds its table as it was before the window, in every run. */
function contender(setting: Setting, kind: Kind): Contender {
  const place = join(setting.tablesDir, kind.folder);
  const template = `${place}.template`;
  return {
    name: kind.name,
    clock: kind.clock,
    before: async () => {
      if (!(await exists(template))) {
        await rm(place, { recursive: true, force: true });
        await mkdir(place, { recursive: true });
        await runCommand(kind.prepare(place));
        await cp(place, template, { recursive: true });
      }
      await rm(place, { recursive: true, force: true });
      await cp(template, place, { recursive: true });
    },
    steps: () => [kind.merge(place)],
    check: () => check(kind.check[0], join(place, kind.check[1]), setting.chain),
  };
}

async function exists(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

/** Spark's MERGE: the whole job, or the second one of a session. */
export function spark(setting: Setting, mode: 'merge-on-read' | 'copy-on-write', warm: boolean): Contender {
  const { base, chain } = setting;
  return contender(setting, {
    name: `Spark MERGE, ${mode}, ${warm ? 'warm' : 'whole job'}`,
    folder: `spark-${mode}`,
    clock: warm ? 'printed' : 'whole process',
    prepare: (place) => [PYTHON, here('spark_merge.py'), 'prepare', base.folder, place, mode],
    merge: (place) => [PYTHON, here('spark_merge.py'), warm ? 'warm' : 'merge', ...chain.dataFiles, '--', place],
    check: ['iceberg', 'db/t'],
  });
}

/** PyIceberg: delete and append in one transaction; given a column that alone names the row, which is its fast way. */
export function pyiceberg(setting: Setting): Contender {
  const { base, chain } = setting;
  return contender(setting, {
    name: 'PyIceberg delete + append',
    folder: 'pyiceberg',
    clock: 'whole process',
    prepare: (place) => [PYTHON, here('pyiceberg_merge.py'), 'prepare', base.folder, place],
    merge: (place) => [PYTHON, here('pyiceberg_merge.py'), 'merge', ...chain.dataFiles, '--', place],
    check: ['pyiceberg', '.'],
  });
}

export function deltaRs(setting: Setting): Contender {
  const { base, chain } = setting;
  return contender(setting, {
    name: 'delta-rs merge',
    folder: 'delta',
    clock: 'whole process',
    prepare: (place) => [PYTHON, here('delta_merge.py'), 'prepare', base.folder, join(place, 't')],
    merge: (place) => [PYTHON, here('delta_merge.py'), 'merge', ...chain.dataFiles, '--', join(place, 't')],
    check: ['delta', 't'],
  });
}

/** tailrace as installed: `sync` of the folder that holds the full export and the window. */
export function tailrace(setting: Setting, name = 'tailrace', flags: readonly string[] = []): Contender {
  const { base, chain, main } = setting;
  const command = (source: string, place: string): readonly string[] => [
    process.execPath,
    main,
    'sync',
    source,
    join(place, 't'),
    '--json',
    '--threads',
    '2',
    ...flags,
  ];
  return contender(setting, {
    name,
    folder: `tailrace-${base.truth.items}`,
    clock: 'whole process',
    prepare: (place) => [...command(base.folder, place), '--key', 'pk,sk'],
    merge: (place) => command(chain.root, place),
    check: ['iceberg', 't'],
  });
}

async function check(kind: string, path: string, chain: Chain): Promise<void> {
  try {
    await promisify(execFile)(PYTHON, [here('check.py'), kind, path, join(chain.root, 'generated.json')]);
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`the table is wrong: ${stdout}${stderr}`, { cause: thrown });
  }
}
