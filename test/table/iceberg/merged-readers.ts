import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { python, sparkJar } from '../../toolchain/tools.ts';

/** The process that holds Spark, PyIceberg and DuckDB open beside a test: see merged.py. */
export class Readers {
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  /** `metastore`: address of a Hive Metastore, which Spark then knows as the catalog `hive`. */
  constructor(root: string, warehouse: string, metastore?: string) {
    this.#process = spawn(python ?? '', [join(import.meta.dirname, 'merged.py')], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    if (this.#process.stdout === null) throw new Error('no stdout');
    this.#replies = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    this.#send({ jars: join(dirname(sparkJar ?? ''), '*'), warehouse, ...(metastore !== undefined && { metastore }) });
  }

  async ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
    this.#send(request);
    for (;;) {
      const { value, done } = await this.#replies.next();
      if (done === true) throw new Error('the readers have ended');
      if (!value.startsWith('@@')) continue;
      const { reply, error } = JSON.parse(value.slice(2)) as { reply: T; error?: string };
      if (error !== undefined) throw new Error(`${JSON.stringify(request)}: ${error}`);
      return reply;
    }
  }

  end(): void {
    this.#process.stdin?.end();
    this.#process.kill();
  }

  #send(line: unknown): void {
    this.#process.stdin?.write(`${JSON.stringify(line)}\n`);
  }
}
