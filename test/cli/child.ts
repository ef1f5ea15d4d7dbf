/** The command as a process of its own, with a library whose verbs do what the process tests need. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runProcess } from '../../src/cli/process.ts';
import { committed, fakeLibrary } from './fake-world.ts';

async function* endless(): AsyncGenerator<string> {
  for (let line = 0; ; line += 1) yield `{"Item":{"n":{"N":"${line}"}}}`;
}

async function* many(): AsyncGenerator<string> {
  for (let line = 0; line < 300_000; line += 1) yield `{"Item":{"n":{"N":"${line}"},"text":{"S":"${'x'.repeat(80)}"}}}`;
}

await runProcess(process.argv.slice(2), async () =>
  fakeLibrary({
    async sync(source, _target, _options, context) {
      if (source === 'crash') {
        void Promise.reject(new TypeError('nobody awaits this'));
        await sleep(10_000);
      }
      process.stderr.write('started\n');
      for (let step = 0; step < 1000; step += 1) {
        if (context.signal.aborted && source !== 'deaf') {
          const error = { code: 'INTERRUPTED', message: 'The run was interrupted; the table is as it was.' } as const;
          return { ...committed, outcome: 'failed', error };
        }
        await sleep(10);
      }
      return committed;
    },
    cat: (target) => (target === 'endless' ? endless() : many()),
  }),
);
