/** One load: items of a file, of stdin or of an HTTP API become items of a DynamoDB table. */
import { resolve } from 'node:path';
import { type DynamoAccess, DynamoApi } from '../../dynamodb/api.ts';
import { withRecent } from '../../dynamodb/consumption.ts';
import type { KeyPart } from '../../dynamodb/describe.ts';
import { readPrices } from '../../dynamodb/prices.ts';
import { Pages, pageName } from '../../load/http/pages.ts';
import { openBytes } from '../../load/input/bytes.ts';
import { openRecords } from '../../load/input/records.ts';
import { type LoadPlan, planLoad, readOptions } from '../../load/prepare.ts';
import { LoadState } from '../../load/state.ts';
import { parseTableTarget, type TableTarget } from '../../load/target.ts';
import type { WritableTable } from '../../load/write/table.ts';
import { asTailraceError, TailraceError } from '../../model/errors.ts';
import type { HttpOptions, LoadOptions, LoadReport } from '../../model/load.ts';
import type { RunContext } from '../../model/options.ts';
import { Retrier } from '../../pacing/retry.ts';
import { openWorkspace, stateDir, type Workspace } from '../ends/workspace.ts';
import { Loading } from './loading.ts';
import { LoadReporter } from './report.ts';
import { openTarget } from './table.ts';
import { LoadTarget } from './target.ts';

/** Puts the items of `input` (a path, `s3://…`, an address, or `-` for stdin) into `target`, `dynamodb:<table>`. */
export async function load(
  input: string,
  target: string,
  options: LoadOptions,
  context: RunContext,
): Promise<LoadReport> {
  const reporter = new LoadReporter(input, target, options.dryRun);
  try {
    await run({ input, target: parseTableTarget(target), options, plan: planLoad(options), context, reporter });
    return reporter.finish();
  } catch (thrown) {
    return reporter.failed(errorOf(thrown, context.signal));
  }
}

interface Run {
  readonly input: string;
  readonly target: TableTarget;
  readonly options: LoadOptions;
  readonly plan: LoadPlan;
  readonly context: RunContext;
  readonly reporter: LoadReporter;
}

const isAddress = (input: string): boolean => /^https?:\/\//i.test(input);

async function run({ input, target, options, plan, context, reporter }: Run): Promise<void> {
  const { signal } = context;
  let onThrottled = (): void => undefined;
  const retrier = new Retrier({ onThrottled: () => onThrottled() });
  const { name, region } = target;
  const access = { aws: options.targetAws, ...(region === undefined ? {} : { region }) };
  const api = new DynamoApi(access, retrier);
  let workspace: Workspace | undefined;
  try {
    const prices = await readPrices(options.state.prices);
    const found = await openTarget(api, target, options, signal);
    const table = found === undefined ? undefined : await withUse(access, found, options, signal);
    const writing = new LoadTarget({ api, retrier, name, table, options, plan, prices, signal, reporter });
    onThrottled = () => writing.throttled();
    const place = input === '-' || input.includes('://') ? input : resolve(input);
    const dir = stateDir(`${endOf(name, options)} <- ${place}`);
    const settings = { target: writing, options, plan, context, reporter, dir };
    if (isAddress(input)) {
      workspace = await openWorkspace(options.tempDir);
      const stateFor = states(dir, [place, wayOf(plan.http)], options);
      const loading = new Loading({ ...settings, stateFor });
      await carried(loading, () =>
        loadPages(input, workspace?.dir ?? '', { options, plan, signal, reporter }, loading, writing),
      );
    } else {
      const bytes = await openBytes(input, { aws: options.sourceAws, signal });
      const { identity } = bytes;
      const stateFor = identity === undefined ? () => undefined : states(dir, [place, identity], options);
      const loading = new Loading({ ...settings, stateFor });
      await carried(loading, async () => {
        loading.measure(bytes.bytesRead, bytes.bytesTotal);
        const reading = readOptions(options, plan, keysOf(table));
        await loading.part(await openRecords(bytes.chunks, place, reading), place);
      });
    }
  } finally {
    await workspace?.close();
    await api.close();
  }
}

/** The table with what was written to it lately, where the pace depends on that. */
async function withUse(
  access: DynamoAccess,
  table: WritableTable,
  { wcu }: LoadOptions,
  signal: AbortSignal,
): Promise<WritableTable> {
  const name = table.named.slice(table.named.lastIndexOf('/') + 1);
  return { ...table, writes: await withRecent(access, { name, throughput: table.writes, kind: 'Write' }, wcu, signal) };
}

/** From where the load begins to its end, however it ends. */
async function carried(loading: Loading, work: () => Promise<void>): Promise<void> {
  let failed = true;
  try {
    await loading.begin();
    await work();
    await loading.end();
    failed = false;
  } finally {
    await loading.close(failed);
  }
}

async function loadPages(
  input: string,
  dir: string,
  { options, plan, signal, reporter }: Pick<Run, 'options' | 'plan' | 'reporter'> & { readonly signal: AbortSignal },
  loading: Loading,
  writing: LoadTarget,
): Promise<void> {
  const pages = new Pages(input, { options: plan.http, env: options.env ?? process.env, dir, signal });
  let bytes = 0;
  loading.measure(() => bytes, 0);
  for (let page = await pages.first(loading.resumedPage); ; ) {
    bytes += page.bytes;
    loading.page(page);
    const opened = await openBytes(page.file, { aws: {}, signal });
    const reading = readOptions(options, plan, keysOf(writing.table), loading.types);
    const items = await loading.part(await openRecords(opened.chunks, pageName(page), reading, page.at), page.at);
    reporter.pages(page.number, pages.retried);
    const next = loading.full ? undefined : await pages.next(page, items);
    if (next === undefined) return;
    page = next;
  }
}

/** Keys of the table, and those of its indexes. */
function keysOf(table: WritableTable | undefined): readonly KeyPart[] {
  return table === undefined ? [] : [...table.indexKeys, ...table.key];
}

/** The table as the command names it, be it there already or not: the run that makes it has the same record as the next. */
function endOf(name: string, { targetAws }: LoadOptions): string {
  const { AWS_PROFILE = '', AWS_REGION = '', AWS_ENDPOINT_URL_DYNAMODB = '' } = process.env;
  const { profile = AWS_PROFILE, region = AWS_REGION, endpoint = AWS_ENDPOINT_URL_DYNAMODB, roleArn = '' } = targetAws;
  return JSON.stringify([name, endpoint, region, profile, roleArn]);
}

/** What leads from page to page; how patiently they are asked for is no matter. */
function wayOf({ headers, nextPath, nextParam, pageParam, pageStart, pageStep }: HttpOptions): object {
  return { headers, nextPath, nextParam, pageParam, pageStart, pageStep };
}

/** What a later run must find the same to go on. */
function states(
  dir: string,
  input: readonly unknown[],
  options: LoadOptions,
): (tableId: string) => LoadState | undefined {
  const { format, items, delimiter, columns, types, empty, nulls, sets, transform, dryRun, targetAws } = options;
  const { exclude } = options.schema;
  const values = { format, items, delimiter, columns, types, empty, nulls, sets, transform, exclude };
  return (id) => (dryRun ? undefined : new LoadState(dir, [input, id, targetAws.endpoint ?? '', values]));
}

function errorOf(thrown: unknown, signal: AbortSignal): TailraceError {
  const error = asTailraceError(thrown);
  if (!signal.aborted || (error.code !== 'INTERNAL' && error.code !== 'INTERRUPTED')) return error;
  return new TailraceError('INTERRUPTED', 'The load was interrupted; the items that were written stay.', {
    hint: 'Run the same command again: it goes on where it stopped.',
    cause: thrown,
  });
}
