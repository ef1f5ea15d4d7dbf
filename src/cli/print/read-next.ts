import type { SyncReport } from '../../model/report.ts';

/** A word for the shell: quoted only where it must be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const single = (text: string): string => text.replaceAll("'", "''");
const quoted = (text: string): string => JSON.stringify(text);

/** The folder that holds an Iceberg table's data and metadata. */
export function tableFolder(readPath: string): string {
  return readPath.replace(/\/(?:metadata(?:\/[^/]*\.metadata\.json)?)?$/, '');
}

/** How other tools open what was written: a label and one line for each. */
export function readNext(
  report: Pick<SyncReport, 'target' | 'format' | 'readPath'>,
): readonly (readonly [string, string])[] {
  const own = ['tailrace', `tailrace query ${shellWord(report.target)} "select * from t limit 10"`] as const;
  const inCatalog = /^(?:iceberg:)?([^/.~:]+)\.([^/]+)$/.exec(report.target);
  const shown = /^parquet:[^/.~:]+\.([^/.]+)\.([^/.]+)$/.exec(report.target);
  if (shown !== null) {
    const [, database = '', table = ''] = shown;
    return [
      own,
      ['Athena', `select * from ${quoted(database)}.${quoted(table)} limit 10;`],
      ['awswrangler', `wr.s3.read_parquet_table(database=${quoted(database)}, table=${quoted(table)})`],
      ['Spark', `spark.table(${quoted(`${database}.${table}`)})`],
    ];
  }
  if (inCatalog !== null) {
    const [, catalog = '', table = ''] = inCatalog;
    return [
      own,
      ['PyIceberg', `load_catalog(${quoted(catalog)}).load_table(${quoted(table)}).scan().to_arrow()`],
      ['Spark', `spark.table(${quoted(`${catalog}.${table}`)})`],
    ];
  }
  if (report.readPath === undefined) return [own];
  if (report.format === 'parquet') {
    const folder = report.readPath.replace(/\/$/, '');
    return [
      own,
      ['DuckDB', `select * from read_parquet('${single(folder)}/**/*.parquet', hive_partitioning = true);`],
      ['PyArrow', `pyarrow.dataset.dataset(${quoted(folder)}, partitioning="hive")`],
      ['Spark', `spark.read.parquet(${quoted(folder)})`],
    ];
  }
  const folder = tableFolder(report.readPath);
  return [
    own,
    ['DuckDB', `load iceberg; select * from iceberg_scan('${single(folder)}');`],
    ['PyIceberg', `StaticTable.from_metadata(${quoted(folder)}).scan().to_arrow()`],
    ['Spark', `spark.read.format("iceberg").load(${quoted(folder)})`],
  ];
}
