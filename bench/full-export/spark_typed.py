"""Contender (b): Spark that is given the schema, warm.

spark_typed.py <export folder> <warehouse>

One session loads the export twice into fresh tables; the first run warms code and caches and is
thrown away, the second is timed inside the process and printed as the last line of stdout.
"""
import json
import sys
import time

from spark_orders import IMAGE, columns
from spark_session import open_session


def load(spark, folder, table):
    spark.read.schema(f"Item {IMAGE}").json(f"{folder}/data/").createOrReplaceTempView("export_lines")
    spark.sql(f"CREATE TABLE lake.db.{table} USING iceberg AS SELECT\n  {columns('Item')}\nFROM export_lines")


def main():
    folder, warehouse = sys.argv[1:3]
    spark = open_session("typed", warehouse)
    load(spark, folder, "warm_up")
    started = time.perf_counter()
    load(spark, folder, "t")
    seconds = time.perf_counter() - started
    spark.stop()
    print(json.dumps({"seconds": seconds}))


main()
