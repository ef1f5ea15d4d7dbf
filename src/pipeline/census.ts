import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Census } from '../engine/duckdb/census.ts';
import type { Duck } from '../engine/duckdb/instance.ts';
import { ITEM_LINES, type Lines } from '../model/item.ts';
import type { Progress, RunContext, SyncOptions } from '../model/options.ts';
import { censusReading } from '../schema/reading.ts';
import type { MapNode, ValueNode } from '../schema/structure.ts';
import { fetchBatches } from '../source/export/batches.ts';
import { sampleItems } from '../source/lines/sample.ts';
import type { Export } from '../source/port.ts';
import { openEngine } from './engine.ts';
import { inspectInputs } from './inspections.ts';
import { Learner } from './learner.ts';
import type { OpenSource } from './open.ts';
import { ifVerified, inputsOf, sampleSink, sieveUnsound, untilAccepted } from './refusals.ts';
import { openWorkspace } from './workspace.ts';

export interface Counted {
  readonly learner: Learner;
  readonly items: number;
  readonly rejected: number;
  /** Nested values were counted, too. */
  readonly whole: boolean;
}

/** Lines of each file looked at before counting; what they do not show is learned from the engine's refusals. */
const SAMPLE_LINES = 400;
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Counts every value of every item by position and type: the schema from all the data, in the engine. */
export async function countExport(source: OpenSource, options: SyncOptions, context: RunContext): Promise<Counted> {
  const workspace = await openWorkspace(options.tempDir);
  try {
    const duck = await openEngine(workspace, options);
    try {
      return await countItems(source, duck, workspace.dir, options, context);
    } finally {
      duck.close();
    }
  } finally {
    await workspace.close();
  }
}

/** The same in an engine and a folder that are there. */
export async function countItems(
  source: Pick<OpenSource, 'storage'> & { readonly export: Export },
  duck: Duck,
  dir: string,
  options: SyncOptions,
  context: RunContext,
  lines: Lines = ITEM_LINES,
): Promise<Counted> {
  const learner = new Learner({
    schema: options.schema,
    partition: [],
    sort: [],
    recorded: undefined,
    file: undefined,
    lines,
  });
  const census = new Census(options.schema.timestamps === 'auto');
  let rejected = 0;
  let filesDone = 0;
  let structs = true;
  const batches = fetchBatches(source.storage, source.export, {
    batchBytes: options.batchBytes,
    budgetBytes: options.tempBudgetBytes,
    tempDir: join(dir, 'count-spool'),
    signal: context.signal,
  });
  for await (const batch of batches) {
    const inputs = inputsOf(batch.files);
    const tempDir = join(dir, `count-${batch.index}`);
    await mkdir(tempDir, { recursive: true });
    await ifVerified(batch.verified, () =>
      sampleItems(
        inputs.map((input) => input.path),
        {
          linesPerFile: SAMPLE_LINES,
          maxBytes: SAMPLE_BYTES,
          sink: sampleSink(learner, batch.files),
          rules: lines,
          signal: context.signal,
        },
      ),
    );
    const refusals = {
      learner,
      tempDir,
      strict: options.strict,
      signal: context.signal,
      verified: batch.verified,
      onReject: async () => undefined,
    };
    await inspectInputs(inputs, lines, context.signal).done;
    await ifVerified(batch.verified, () => sieveUnsound(inputs, refusals));
    await untilAccepted(inputs, refusals, async () => {
      const reading = censusReading(learner.root, options.schema.maxDepth);
      structs &&= reading.kind === 'struct';
      if (inputs.length > 0)
        await census.count(
          duck,
          learner.root,
          { lines, reading, keyAttrs: learner.key },
          inputs.map((input) => input.path),
          tempDir,
          context.signal,
        );
      return true;
    });
    rejected += inputs.reduce((sum, input) => sum + input.rejected, 0);
    filesDone += batch.files.length;
    context.onProgress(progress(source.export, filesDone, census.items));
    await batch.recheck();
    await batch.release();
    await rm(tempDir, { recursive: true, force: true });
  }
  census.apply();
  settleMaps(learner.root);
  return { learner, items: census.items, rejected, whole: structs };
}

/** Every map is one value of type M, so their exact number follows from the exact counts. */
function settleMaps(map: MapNode): void {
  for (const node of [...map.fields.values(), ...(map.merged === undefined ? [] : [map.merged])]) settleMap(node);
}

function settleMap(node: ValueNode): void {
  if (node.map !== undefined) {
    node.map.maps = node.counts.get('M') ?? node.map.maps;
    settleMaps(node.map);
  }
  if (node.element !== undefined) settleMap(node.element);
}

function progress(from: Export, filesDone: number, itemsDone: number): Progress {
  const bytes = (files: Export['files']): number => files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return {
    phase: 'learn',
    filesDone,
    filesTotal: from.files.length,
    itemsDone,
    itemsTotal: from.itemCount,
    bytesDone: bytes(from.files.slice(0, filesDone)),
    bytesTotal: bytes(from.files),
  };
}
