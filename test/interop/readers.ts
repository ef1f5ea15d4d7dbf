import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { python, sparkJar } from '../toolchain/tools.ts';
import type { Canon } from './canonical.ts';

export const READERS = ['pyiceberg', 'duckdb', 'pyarrow', 'spark'] as const;
/** Trino is a server of its own: trino.ts. */
export type Reader = (typeof READERS)[number] | 'trino';
export type Row = Readonly<Record<string, Canon>>;

export interface ReadRequest {
  readonly location: string;
  readonly format: 'iceberg' | 'parquet';
  /** SQL on the columns, `region = 'eu'`. */
  readonly filter?: string;
  /** An Iceberg table as it was. */
  readonly snapshot?: string;
}

/** Where `s3://` locations lie. */
export interface ReadStore {
  readonly endpoint: string;
  readonly key: string;
  readonly secret: string;
}

/** The readers that this machine has for a format. */
export function readersOf(format: 'iceberg' | 'parquet'): readonly Reader[] {
  if (python === undefined) return [];
  const spark: readonly Reader[] = sparkJar === undefined ? [] : ['spark'];
  return [format === 'iceberg' ? 'pyiceberg' : 'pyarrow', 'duckdb', ...spark];
}

/** All rows of each table, read by one process: sessions of Python and of Spark are dear. */
export async function readTables(reader: Reader, tables: readonly ReadRequest[], s3?: ReadStore): Promise<Row[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-readers-'));
  try {
    const outs = tables.map((_, index) => join(folder, `${index}.jsonl`));
    const request = { jar: sparkJar, s3, tables: tables.map((table, index) => ({ ...table, out: outs[index] })) };
    await writeFile(join(folder, 'request.json'), JSON.stringify(request));
    await runPython([join(import.meta.dirname, 'readers', 'read.py'), reader, join(folder, 'request.json')], folder);
    return await Promise.all(outs.map(readRows));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readRows(path: string): Promise<Row[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

function runPython(args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (python === undefined) throw new Error('no Python environment');
    const child = spawn(python, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-6000);
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')}: ${complaints}`))));
  });
}
