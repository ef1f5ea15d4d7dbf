import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Lines to paste: how other engines open the table that lies in a folder. */
export async function readersText(target: string, shown: string): Promise<string> {
  const metadata = join(target, 'metadata', await newestMetadata(target));
  const sql = (text: string): string => text.replaceAll("'", "''");
  return [
    `Data in ${shown}/data, metadata in ${shown}/metadata: plain Iceberg, no catalog needed.`,
    '',
    'PyIceberg   from pyiceberg.table import StaticTable',
    `            StaticTable.from_metadata(${JSON.stringify(metadata)}).scan().to_arrow()`,
    'Spark       pyspark --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0',
    `            spark.read.format("iceberg").load(${JSON.stringify(target)}).show()`,
    'DuckDB      INSTALL iceberg; LOAD iceberg;',
    `            SELECT * FROM iceberg_scan('${sql(metadata)}') LIMIT 10;`,
    `tailrace    tailrace query ${shown} "SELECT * FROM t LIMIT 10"`,
  ].join('\n');
}

/** `v12.metadata.json` comes after `v9.metadata.json`. */
async function newestMetadata(target: string): Promise<string> {
  const names = (await readdir(join(target, 'metadata'))).filter((name) => name.endsWith('.metadata.json'));
  const version = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? -1);
  return names.sort((a, b) => version(b) - version(a))[0] ?? 'v1.metadata.json';
}
