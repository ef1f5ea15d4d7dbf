import { runDemo } from '../demo/demo.ts';
import type { RunContext } from '../model/options.ts';
import type { DemoStep } from '../model/report.ts';
import { defaultOptions } from './ends/defaults.ts';
import { cat, query } from './read.ts';
import { showSchema } from './schema.ts';
import { sync } from './sync.ts';

/** Shows the main job on an example shop: an export is made, loaded, explained, queried and read back. */
export function demo(options: { readonly dir?: string }, context: RunContext): AsyncIterable<DemoStep> {
  return runDemo(options.dir, { sync, query, cat, showSchema }, defaultOptions(), context);
}
