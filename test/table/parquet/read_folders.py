"""Writes the Parquet files that stdin names, and prints what Spark, PyArrow and DuckDB read from their folders."""
import json
import os
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark.sql import SparkSession


def write(file):
    os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
    columns = {"id": pa.array([file["id"]], pa.int64()), "region": pa.array([file["region"]], pa.string())}
    pq.write_table(pa.table(columns), file["path"])


def arrow(table):
    return {str(i): [region, part] for i, region, part in zip(*(table[c].to_pylist() for c in ("id", "region", "region_part")))}


def duck(root, options):
    path = root.replace("'", "''") + "/**/*.parquet"
    query = f"select id, region, region_part::varchar from read_parquet('{path}'{options})"
    return {str(i): [region, part] for i, region, part in duckdb.connect().sql(query).fetchall()}


def spark_rows(spark, root, condition):
    rows = spark.read.parquet(root).where(condition).selectExpr("id", "region", "cast(region_part as string) as part")
    return {str(r.id): [r.region, r.part] for r in rows.collect()}


task = json.load(sys.stdin)
spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
         .config("spark.driver.memory", "700m").getOrCreate())
answers = []
for table in task["tables"]:
    for file in table["files"]:
        write(file)
    root = table["root"]
    with open(root + "/_tailrace.json", "w", encoding="utf-8") as manifest:
        manifest.write("{}")
    answers.append({
        "pyarrow.read_table": arrow(pq.read_table(root)),
        "pyarrow.dataset": arrow(ds.dataset(root, partitioning="hive").to_table()),
        "duckdb": duck(root, ""),
        "duckdb hive_partitioning": duck(root, ", hive_partitioning=true"),
        "spark": spark_rows(spark, root, "true"),
        "spark filtered": spark_rows(spark, root, "region = 'a=b'"),
    })
# Into a file: Spark writes to stdout, too.
with open(task["out"], "w", encoding="utf-8") as out:
    json.dump(answers, out)
