import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Census } from '../../engine/duckdb/census.ts';
import type { Duck } from '../../engine/duckdb/instance.ts';
import { type Change, ITEM_LINES, type Item, type Lines } from '../../model/item.ts';
import type { Progress, RunContext, SyncOptions } from '../../model/options.ts';
import { censusReading } from '../../schema/reading.ts';
import type { MapNode, ValueNode } from '../../schema/structure.ts';
import { type Batch, fetchBatches } from '../../source/export/batches.ts';
import { sampleItems } from '../../source/lines/sample.ts';
import type { Export } from '../../source/port.ts';
import { openEngine } from '../ends/engine.ts';
import type { OpenSource } from '../ends/open.ts';
import { openWorkspace } from '../ends/workspace.ts';
import { inspectFiles } from './inspections.ts';
import { Learner } from './learner.ts';
import { ifVerified, inputsOf, sampleSink, sieveUnsound, untilAccepted } from './refusals.ts';

export interface Counted {
  readonly learner: Learner;
  readonly items: number;
  readonly rejected: number;
}

/** What is counted, and where. */
interface Counting {
  readonly source: Pick<OpenSource, 'storage'> & { readonly export: Export };
  readonly dir: string;
  readonly options: SyncOptions;
  readonly context: RunContext;
  readonly lines: Lines;
}

/** Lines of each file looked at before counting; what they do not show is learned from the engine's refusals. */
const SAMPLE_LINES = 400;
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** More attributes than this are counted line by line: with 500, the engine takes ten times as long as reading each line. */
const WIDE_ATTRS = 100;

/** Thrown where the engine had better not count. */
const TOO_WIDE = new Error('too many attributes for the engine to count');

/** Counts every value of every item by position and type: the schema from all the data. */
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

/** The same in an engine and a folder that are there; `seen` is what a load has learned before. */
export async function countItems(
  source: Pick<OpenSource, 'storage'> & { readonly export: Export },
  duck: Duck,
  dir: string,
  options: SyncOptions,
  context: RunContext,
  seen?: Learner,
): Promise<Counted> {
  const counting = { source, dir, options, context, lines: seen?.lines ?? ITEM_LINES };
  if (seen !== undefined && isTooWide(seen)) return readItems(counting);
  try {
    return await countInEngine(counting, duck);
  } catch (thrown) {
    if (thrown !== TOO_WIDE) throw thrown;
    return readItems(counting);
  }
}

function isTooWide({ crowded, root }: Learner): boolean {
  return crowded || root.fields.size > WIDE_ATTRS;
}

function learnerOf({ options, lines }: Counting): Learner {
  return new Learner({
    schema: options.schema,
    partition: [],
    sort: [],
    recorded: undefined,
    file: undefined,
    lines,
  });
}

function batchesOf({ source, dir, options, context }: Counting): AsyncGenerator<Batch> {
  return fetchBatches(source.storage, source.export, {
    batchBytes: options.batchBytes,
    budgetBytes: options.tempBudgetBytes,
    tempDir: join(dir, 'count-spool'),
    signal: context.signal,
  });
}

async function countInEngine(counting: Counting, duck: Duck): Promise<Counted> {
  const { source, dir, options, context, lines } = counting;
  const learner = learnerOf(counting);
  const census = new Census(options.schema.timestamps === 'auto');
  let rejected = 0;
  let filesDone = 0;
  for await (const batch of batchesOf(counting)) {
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
    if (isTooWide(learner)) throw TOO_WIDE;
    const refusals = {
      learner,
      tempDir,
      strict: options.strict,
      signal: context.signal,
      verified: batch.verified,
      onReject: async () => undefined,
    };
    await inspectFiles(batch.files, lines, context.signal).tell(inputs);
    await ifVerified(batch.verified, () => sieveUnsound(inputs, refusals));
    await untilAccepted(inputs, refusals, async () => {
      const reading = censusReading(learner.root, options.schema.maxDepth);
      if (reading.kind === 'open' || isTooWide(learner)) throw TOO_WIDE;
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
  return { learner, items: census.items, rejected };
}

/** Reads every line: what is learned is all that there is. */
async function readItems(counting: Counting): Promise<Counted> {
  const { source, context, lines } = counting;
  const learner = learnerOf(counting);
  let [items, rejected, filesDone] = [0, 0, 0];
  const all = Number.POSITIVE_INFINITY;
  for await (const batch of batchesOf(counting)) {
    for (const { local } of inputsOf(batch.files)) {
      const learn = learner.sink(local.source.manifestKey);
      const sink = (item: Item, _path: string, change?: Change): void => {
        const refused = learner.refuses(item, change) !== undefined;
        learn(refused ? undefined : item, change);
        if (refused) rejected += 1;
        else items += 1;
      };
      const { signal } = context;
      const read = await ifVerified(batch.verified, () =>
        sampleItems([local.path], { linesPerFile: all, maxBytes: all, sink, rules: lines, signal }),
      );
      rejected += read.rejects + local.rejects.length;
    }
    filesDone += batch.files.length;
    context.onProgress(progress(source.export, filesDone, items));
    await batch.recheck();
    await batch.release();
  }
  return { learner, items, rejected };
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
