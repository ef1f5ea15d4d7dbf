import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PYTHON } from '../../servers/available.ts';

/** PyIceberg's own GlueCatalog in a process that stays: it takes seconds to start. */
export interface PyIceberg {
  ask<T>(task: Readonly<Record<string, unknown>>): Promise<T>;
  stop(): void;
}

export function startPyIceberg(endpoint: string): PyIceberg {
  const child = spawn(PYTHON, [join(import.meta.dirname, 'pyiceberg_driver.py'), endpoint]);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async <T>(task: Readonly<Record<string, unknown>>): Promise<T> => {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`PyIceberg ended at ${JSON.stringify(task)}: ${complaints}`);
      return JSON.parse(value) as T;
    },
    stop: () => {
      child.kill();
    },
  };
}
