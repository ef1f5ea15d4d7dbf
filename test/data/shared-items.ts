import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { marshall } from '@aws-sdk/util-dynamodb';
import { sharedData } from '../toolchain/tools.ts';
import type { DdbItem } from './ion.ts';

/** A real table of a public sample project. */
export interface SharedTable {
  readonly name: string;
  /** Key attributes, partition key first. */
  readonly key: readonly string[];
  readonly items: readonly DdbItem[];
}

/** The tables of ../shared/data/items as DynamoDB JSON: none where that folder is absent. */
export function sharedTables(): readonly SharedTable[] {
  if (sharedData === undefined) return [];
  const folder = join(sharedData, 'items');
  const products = json(folder, 'product_en.json') as { ProductDetails: { PutRequest: { Item: DdbItem } }[] };
  return [
    { name: 'movies', key: ['year', 'title'], items: (json(folder, 'movies.json') as Plain[]).map(encode) },
    { name: 'game-players', key: ['PK', 'SK'], items: jsonLines(folder, 'game-players.json').map(encode) },
    { name: 'persons', key: ['id'], items: json(folder, 'persons.ddb.json') as DdbItem[] },
    { name: 'products', key: ['ProductID'], items: products.ProductDetails.map(({ PutRequest }) => PutRequest.Item) },
    ...readdirSync(join(folder, 'workbench')).flatMap((file) => workbenchTables(join(folder, 'workbench'), file)),
  ];
}

/** A real full export of an AWS service, and its items; undefined where that folder is absent. */
export function sharedExport(): { readonly folder: string; readonly items: readonly DdbItem[] } | undefined {
  if (sharedData === undefined) return undefined;
  const folder = join(sharedData, 'exports', 'full-all-types');
  const data = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json.gz'));
  const lines = data.flatMap((path) =>
    gunzipSync(readFileSync(join(folder, path)))
      .toString('utf8')
      .trim()
      .split('\n'),
  );
  return { folder, items: lines.map((line) => (JSON.parse(line) as { Item: DdbItem }).Item) };
}

type Plain = Readonly<Record<string, unknown>>;

/** AWS's own encoder makes DynamoDB JSON of plain JSON. */
function encode(plain: Plain): DdbItem {
  return marshall(plain) as unknown as DdbItem;
}

function json(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

function jsonLines(folder: string, file: string): Plain[] {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Plain);
}

interface WorkbenchModel {
  readonly DataModel?: readonly {
    readonly TableName: string;
    readonly KeyAttributes: Readonly<
      Record<'PartitionKey' | 'SortKey', { readonly AttributeName: string } | undefined>
    >;
    readonly TableData?: readonly DdbItem[];
  }[];
}

/** NoSQL Workbench keeps its example data in DynamoDB JSON; some of its tables have none. */
function workbenchTables(folder: string, file: string): SharedTable[] {
  const model = json(folder, file) as WorkbenchModel;
  return (model.DataModel ?? []).map(({ TableName, KeyAttributes, TableData }) => ({
    name: `${file.replace('.json', '')} ${TableName}`,
    key: [KeyAttributes.PartitionKey, KeyAttributes.SortKey].flatMap((attribute) =>
      attribute === undefined ? [] : [attribute.AttributeName],
    ),
    items: TableData ?? [],
  }));
}
