import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PYTHON } from '../servers/available.ts';

/** The process that holds a catalog open in PyIceberg beside a test: see beside.py. */
export class PyIceberg {
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  /** `properties`: of the catalog. */
  constructor(properties: Readonly<Record<string, string>>) {
    this.#process = spawn(PYTHON, [join(import.meta.dirname, 'beside.py')], { stdio: ['pipe', 'pipe', 'ignore'] });
    if (this.#process.stdout === null) throw new Error('no stdout');
    this.#replies = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    this.#process.stdin?.write(`${JSON.stringify(properties)}\n`);
  }

  async ready(): Promise<this> {
    await this.#next('ready');
    return this;
  }

  async ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#next<T>(JSON.stringify(request));
  }

  end(): void {
    this.#process.stdin?.end();
    this.#process.kill();
  }

  async #next<T>(what: string): Promise<T> {
    for (;;) {
      const { value, done } = await this.#replies.next();
      if (done === true) throw new Error('PyIceberg has ended');
      if (!value.startsWith('@@')) continue;
      const { reply, error } = JSON.parse(value.slice(2)) as { reply: T; error?: string };
      if (error !== undefined) throw new Error(`${what}: ${error}`);
      return reply;
    }
  }
}
