"""Reads tables with an engine that tailrace had no hand in: read.py <reader> <request.json>

Readers: pyiceberg, pyarrow, duckdb, spark. The request:
{"tables": [{"location": ..., "format": "iceberg" | "parquet", "out": ..., "filter": ...?,
             "snapshot": ...?}], "jar": ...?,
 "s3": {"endpoint": ..., "key": ..., "secret": ...}?}
Each table's rows go to its file `out`, one canonical JSON line a row. `filter`, where given, is SQL on the columns:
it shows that pruning by statistics and partitions drops nothing that it should keep. `snapshot`: the table as it was.
"""
import json
import os
import sys

os.environ["TZ"] = "UTC"

from canonical import spark_value, write_arrow, write_row  # noqa: E402


def main():
    reader, path = sys.argv[1], sys.argv[2]
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    read = {"pyiceberg": pyiceberg, "pyarrow": pyarrow, "duckdb": duckdb, "spark": spark}[reader](request)
    for table in request["tables"]:
        with open(table["out"], "w", encoding="utf-8") as out:
            read(table, out)


def pyiceberg(request):
    from pyiceberg.table import StaticTable

    def read(table, out):
        s3 = request.get("s3")
        properties = {"s3.endpoint": s3["endpoint"], "s3.access-key-id": s3["key"],
                      "s3.secret-access-key": s3["secret"], "s3.region": "us-east-1"} if s3 else {}
        opened = StaticTable.from_metadata(table["location"], properties)
        snapshot = int(table["snapshot"]) if table.get("snapshot") else None
        scan = opened.scan(row_filter=table.get("filter") or "True", snapshot_id=snapshot)
        write_arrow(out, scan.to_arrow().to_batches())

    return read


def duckdb(_request):
    import importlib.util

    import duckdb as engine

    connection = engine.connect()
    connection.execute("SET TimeZone='UTC'; SET threads=2")
    for name in ("avro", "iceberg"):  # iceberg needs avro, and neither can be downloaded in a closed network
        package = os.path.dirname(importlib.util.find_spec(f"duckdb_extension_{name}").origin)
        connection.execute(f"LOAD '{package}/extensions/v1.5.5/{name}.duckdb_extension'")

    def read(table, out):
        location = table["location"].replace("'", "''")
        source = {
            "iceberg": f"iceberg_scan('{location}'{at(table)})",
            "parquet": f"read_parquet('{location}/**/*.parquet', hive_partitioning=true, hive_types_autocast=false)",
        }[table["format"]]
        where = f" where {table['filter']}" if table.get("filter") else ""
        write_arrow(out, connection.execute(f"select * from {source}{where}").to_arrow_table().to_batches())

    return read


def at(table):
    return f", snapshot_from_id => {table['snapshot']}::UBIGINT" if table.get("snapshot") else ""


def pyarrow(request):
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.fs as fs

    s3 = request.get("s3")
    files = None
    if s3:
        files = fs.S3FileSystem(
            access_key=s3["key"], secret_key=s3["secret"], endpoint_override=s3["endpoint"], region="us-east-1",
        )

    def read(table, out):
        dataset = ds.dataset(table["location"].removeprefix("s3://"), format="parquet", partitioning="hive", filesystem=files)
        condition = table.get("filter")
        if condition:
            column, value = (part.strip().strip("'") for part in condition.split("=", 1))
            write_arrow(out, dataset.to_table(filter=ds.field(column) == pa.scalar(value)).to_batches())
        else:
            write_arrow(out, dataset.to_batches())

    return read


def spark(request):
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.extraClassPath", request["jar"])
        .config("spark.driver.memory", "2g")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.caseSensitive", "true")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")

    def read(table, out):
        source = session.read.format(table["format"])
        if table.get("snapshot"):
            source = source.option("versionAsOf", table["snapshot"])
        frame = source.load(table["location"])
        if table.get("filter"):
            frame = frame.where(table["filter"])
        fields = list(enumerate(frame.schema.fields))
        for row in frame.toLocalIterator():
            write_row(out, {field.name: spark_value(field.dataType, row[i]) for i, field in fields})

    return read


main()
