import { isNested, pathText } from '../model/attribute-path.ts';
import { TailraceError } from '../model/errors.ts';
import type { RunContext, SyncOptions } from '../model/options.ts';
import type { SchemaChange, SchemaDiff, SchemaReport, SchemaReportColumn, Warning } from '../model/report.ts';
import type { TableSchema } from '../model/schema.ts';
import { typeText } from '../model/type-text.ts';
import { applySchemaFile } from '../schema/apply.ts';
import { schemaDiff } from '../schema/files/diff.ts';
import { writeHiveDdl } from '../schema/files/hive-ddl.ts';
import type { SchemaFile } from '../schema/files/user-schema.ts';
import { writeFlat } from '../schema/files/write-flat.ts';
import type { Decision } from '../schema/map.ts';
import { emptyMap } from '../schema/structure.ts';
import { isDynamo, parseSource } from './ends/ends.ts';
import { findTable, type OpenSource, openSource, readSchemaAt, readSchemaOption, resolveKey } from './ends/open.ts';
import { type Counted, countExport } from './learn/census.ts';
import { explainTable } from './learn/explain.ts';
import { unmappedWarning } from './learn/unseen.ts';
import { reportColumns } from './report/columns.ts';
import { SAMPLE_ITEMS, type SampleSize, withSample } from './scan/sample.ts';

export interface InferOptions extends SyncOptions {
  /** Of a table itself: how many items are read. */
  readonly sample?: SampleSize;
}

/** The schema that a load of this end would make, with the reason for each column: of an export from all its items. */
export async function inferSchema(end: string, options: InferOptions, context: RunContext): Promise<SchemaReport> {
  return learned(end, options, context, ({ learner, file, items, rejected, found, tableName }) => {
    const { mapped } = learner.withFile(file).layout();
    const warnings: Warning[] = [...found];
    if (rejected > 0)
      warnings.push({ code: 'items-rejected', text: `${rejected} items are malformed and would be rejected.` });
    warnings.push(...unmappedWarning(mapped.unmapped));
    const columns = mapped.decisions.map(decided);
    return report(end, mapped.schema, columns, items, warnings, tableName);
  });
}

interface Learned extends Counted {
  readonly file: SchemaFile | undefined;
  readonly found: readonly Warning[];
  readonly tableName: string;
}

/** Learns from an export, or from items of a table itself. */
async function learned<T>(
  end: string,
  options: InferOptions,
  context: RunContext,
  use: (learned: Learned) => T | Promise<T>,
): Promise<T> {
  const file = await readSchemaOption(options);
  const count = async (source: OpenSource, key: readonly string[], found: readonly Warning[]): Promise<T> => {
    const counted = await countExport(source, { ...options, schema: { ...options.schema, key } }, context);
    return use({ ...counted, file, found, tableName: source.export.tableName });
  };
  const parsed = parseSource(end);
  if (parsed.kind === 'dynamodb')
    return withSample(parsed, options.sample ?? SAMPLE_ITEMS, options, context, (sampled) => {
      const named = options.schema.key.length > 0 ? options.schema.key : (file?.key ?? []);
      return count(sampled, named.length > 0 ? named : sampled.key, sampled.warnings);
    });
  if (options.sample !== undefined)
    throw new TailraceError('USAGE', 'An export is learned from whole.', {
      place: '--sample, --whole',
      expected: 'dynamodb:<table>',
      found: end,
      hint: 'Leave them out.',
    });
  const source = await openSource(end, options, context);
  try {
    return await count(source, await resolveKey(options, file, undefined, source, context), source.export.warnings);
  } finally {
    await source.storage.close();
  }
}

/** The schema of a table as it is, or of a source as it would be. */
export async function showSchema(end: string, options: SyncOptions, context: RunContext): Promise<SchemaReport> {
  const found = isDynamo(end) ? undefined : await findTable(end, options);
  if (found === undefined) return inferSchema(end, options, context);
  try {
    const { target, state } = found;
    const columns = await explainTable(target, state, options, context);
    return report(
      end,
      state.schema,
      columns,
      state.rows,
      [],
      target.name?.table ?? target.key.split('/').at(-1) ?? 'table',
    );
  } finally {
    await found.target.close();
  }
}

/** What would have to change in `a` to become `b`; each is a source, a table or a schema file. */
export async function diffSchema(a: string, b: string, options: SyncOptions, context: RunContext): Promise<SchemaDiff> {
  const [before, after] = [await schemaOf(a, options, context), await schemaOf(b, options, context)];
  return { a, b, changes: schemaDiff(before, after).map(changed) };
}

function changed(change: ReturnType<typeof schemaDiff>[number]): SchemaChange {
  if (change.kind === 'key') return { path: 'key', change: 'key', from: change.before, to: change.after };
  const path = pathText(change.path);
  switch (change.kind) {
    case 'added':
      return { path, change: 'added', to: change.after };
    case 'removed':
      return { path, change: 'removed', from: change.before };
    case 'retyped':
      return { path, change: 'type', from: change.before, to: change.after };
    case 'renamed':
      return { path, change: 'origin', from: change.before, to: change.after };
  }
}

async function schemaOf(
  end: string,
  options: SyncOptions,
  context: RunContext,
): Promise<Pick<TableSchema, 'columns' | 'keys'>> {
  if (/\.(ya?ml|json)$/i.test(end)) return fileSchema(end, options);
  const found = isDynamo(end) ? undefined : await findTable(end, options);
  if (found !== undefined) {
    await found.target.close();
    return found.state.schema;
  }
  return learned(end, options, context, ({ learner, file }) => learner.withFile(file).layout().schema);
}

async function fileSchema(end: string, options: SyncOptions): Promise<TableSchema> {
  const file = await readSchemaAt(end, options);
  return applySchemaFile(file, emptyMap(), { ...options.schema, key: file.key ?? options.schema.key }).schema;
}

function decided({ path, field, reason, node }: Decision): SchemaReportColumn {
  const example = field.tag === '*' ? [...node.examples.values()][0] : node.examples.get(field.tag);
  return {
    name: field.name,
    attribute: pathText(path),
    tag: field.tag,
    type: typeText(field.type),
    id: field.id,
    reason,
    counts: Object.fromEntries(node.counts),
    ...(example === undefined ? {} : { example }),
  };
}

async function report(
  end: string,
  schema: TableSchema,
  columns: readonly SchemaReportColumn[],
  items: number,
  warnings: readonly Warning[],
  tableName: string,
): Promise<SchemaReport> {
  // A load need not wait for a YAML library.
  const { writeSchemaYaml } = await import('../schema/files/write-yaml.ts');
  const reasons = new Map(
    columns
      .filter(({ attribute }) => attribute === undefined || !isNested(attribute))
      .map((column) => [column.name, column.reason]),
  );
  const system = reportColumns(schema)
    .slice(schema.columns.length)
    .map((column) => ({ ...column, reason: 'added by tailrace', counts: {} }));
  return {
    end,
    columns: [...columns, ...system],
    key: schema.keys,
    items,
    warnings,
    yaml: writeSchemaYaml(schema, reasons),
    flat: writeFlat(schema),
    hiveDdl: writeHiveDdl(schema, tableName),
  };
}
