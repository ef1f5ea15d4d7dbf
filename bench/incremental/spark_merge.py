"""Contender: Spark's MERGE of the window into an Iceberg table.

spark_merge.py prepare <export folder> <warehouse> <mode>   makes the tables t and warm_up (untimed)
spark_merge.py merge <window file>... -- <warehouse>        one whole job: start, read, MERGE
spark_merge.py warm <window file>... -- <warehouse>         MERGE into warm_up, then into t; prints the second's seconds
"""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "full-export"))

from spark_orders import IMAGE, columns  # noqa: E402
from spark_session import open_session  # noqa: E402

KEY = ("pk", "sk")
MODES = {"copy-on-write", "merge-on-read"}


def prepare(folder, warehouse, mode):
    spark = open_session("prepare", warehouse)
    spark.read.schema(f"Item {IMAGE}").json(f"{folder}/data/").createOrReplaceTempView("export_lines")
    for name in ("warm_up", "t"):
        properties = ", ".join(f"'write.{verb}.mode' = '{mode}'" for verb in ("merge", "update", "delete"))
        spark.sql(
            f"CREATE TABLE lake.db.{name} USING iceberg TBLPROPERTIES ('format-version' = '2', {properties}) "
            f"AS SELECT {columns('Item')} FROM export_lines"
        )
    spark.stop()


def merge(spark, files, table):
    shape = f"Keys STRUCT<pk: STRUCT<S: STRING>, sk: STRUCT<S: STRING>>, NewImage {IMAGE}"
    spark.read.schema(shape).json(files).createOrReplaceTempView("changes")
    spark.sql(
        f"""MERGE INTO lake.db.{table} AS t USING (
              SELECT Keys.pk.S AS pk, Keys.sk.S AS sk, NewImage IS NULL AS gone, {columns('NewImage', but=KEY)} FROM changes
            ) AS c ON t.pk = c.pk AND t.sk = c.sk
            WHEN MATCHED AND c.gone THEN DELETE
            WHEN MATCHED THEN UPDATE SET *
            WHEN NOT MATCHED AND NOT c.gone THEN INSERT *"""
    )


def main():
    verb, *rest = sys.argv[1:]
    if verb == "prepare":
        prepare(*rest)
        return
    split = rest.index("--")
    files, warehouse = rest[:split], rest[split + 1]
    spark = open_session("merge", warehouse)
    if verb == "warm":
        merge(spark, files, "warm_up")
    started = time.perf_counter()
    merge(spark, files, "t")
    seconds = time.perf_counter() - started
    spark.stop()
    print(json.dumps({"seconds": seconds}))


main()
