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

from spark_session import open_session  # noqa: E402

TEXT = ["pk", "sk", "status", "region", "created_at", "updated_at", "note", "trace"]
IMAGE = "STRUCT<" + ", ".join(
    [f"{name}: STRUCT<S: STRING>" for name in TEXT]
    + [
        "order_id: STRUCT<N: STRING>",
        "weight_g: STRUCT<N: STRING>",
        "total: STRUCT<N: STRING>",
        "paid: STRUCT<BOOL: BOOLEAN>",
        "tags: STRUCT<SS: ARRAY<STRING>>",
        "address: STRUCT<M: STRUCT<street: STRUCT<S: STRING>, city: STRUCT<S: STRING>, zip: STRUCT<S: STRING>, "
        "geo: STRUCT<M: STRUCT<lat: STRUCT<N: STRING>, lon: STRUCT<N: STRING>>>>>",
        "lines: STRUCT<L: ARRAY<STRUCT<M: STRUCT<sku: STRUCT<S: STRING>, qty: STRUCT<N: STRING>, "
        "price: STRUCT<N: STRING>>>>>",
    ]
) + ">"
MODES = {"copy-on-write", "merge-on-read"}


def columns(item):
    return ",\n  ".join(
        [f"{item}.{name}.S AS {name}" for name in TEXT if name not in ("pk", "sk")]
        + [
            f"CAST({item}.order_id.N AS BIGINT) AS order_id",
            f"CAST({item}.weight_g.N AS BIGINT) AS weight_g",
            f"CAST({item}.total.N AS DECIMAL(18, 4)) AS total",
            f"{item}.paid.BOOL AS paid",
            f"{item}.tags.SS AS tags",
            f"CASE WHEN {item}.address.M IS NOT NULL THEN struct("
            f"{item}.address.M.street.S AS street, {item}.address.M.city.S AS city, {item}.address.M.zip.S AS zip, "
            f"struct(CAST({item}.address.M.geo.M.lat.N AS DECIMAL(18, 4)) AS lat, "
            f"CAST({item}.address.M.geo.M.lon.N AS DECIMAL(18, 4)) AS lon) AS geo) END AS address",
            f"transform({item}.lines.L, line -> struct(line.M.sku.S AS sku, CAST(line.M.qty.N AS BIGINT) AS qty, "
            f"CAST(line.M.price.N AS DECIMAL(18, 4)) AS price)) AS lines",
        ]
    )


def prepare(folder, warehouse, mode):
    spark = open_session("prepare", warehouse)
    spark.read.schema(f"Item {IMAGE}").json(f"{folder}/data/").createOrReplaceTempView("export_lines")
    for name in ("warm_up", "t"):
        properties = ", ".join(f"'write.{verb}.mode' = '{mode}'" for verb in ("merge", "update", "delete"))
        spark.sql(
            f"CREATE TABLE lake.db.{name} USING iceberg TBLPROPERTIES ('format-version' = '2', {properties}) "
            f"AS SELECT Item.pk.S AS pk, Item.sk.S AS sk, {columns('Item')} FROM export_lines"
        )
    spark.stop()


def merge(spark, files, table):
    shape = f"Keys STRUCT<pk: STRUCT<S: STRING>, sk: STRUCT<S: STRING>>, NewImage {IMAGE}"
    spark.read.schema(shape).json(files).createOrReplaceTempView("changes")
    spark.sql(
        f"""MERGE INTO lake.db.{table} AS t USING (
              SELECT Keys.pk.S AS pk, Keys.sk.S AS sk, NewImage IS NULL AS gone, {columns('NewImage')} FROM changes
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
