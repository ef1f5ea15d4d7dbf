import type { Command } from 'commander';
import type { DemoStep } from '../model/report.ts';
import { addVerb, type Shell } from './verb.ts';

/** `demo`: an example shop from export to query, told step by step. */
export function addDemo(parent: Command, shell: Shell): void {
  addVerb(
    parent,
    {
      name: 'demo',
      arguments: [],
      summary: 'write the export of an example shop, load it, explain its schema, and query it; needs no AWS',
      groups: ['output'],
      own: {
        dir: {
          kind: 'path',
          group: 'run',
          placeholder: 'DIR',
          default: './demo-output',
          help: 'folder for export and tables',
        },
      },
      examples: ['tailrace demo', 'tailrace demo --dir /tmp/shop'],
    },
    shell,
    async (session, { own }) => {
      const { output, world } = session;
      const dir = own['dir'];
      const steps: DemoStep[] = [];
      for await (const step of session.library.demo(typeof dir === 'string' ? { dir } : {}, session.context)) {
        await session.settle();
        steps.push(step);
        if (output.json) continue;
        const gap = steps.length === 1 ? '' : '\n';
        await world.stdout.write(
          `${gap}${output.style.bold(`${steps.length}. ${step.title}`)}\n${step.text.trimEnd()}\n`,
        );
      }
      await output.report({ outcome: 'committed', steps }, () => '');
      return 0;
    },
  );
}
