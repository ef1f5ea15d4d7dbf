"""Contender (a): the two Spark jobs that teams run today, written from their public description.

document2.py detect <export folder> <schema.json> <warehouse>
    reads the whole export, collects each attribute's type, writes {"attribute": "S", ...}
document2.py create <export folder> <schema.json> <warehouse>
    reads it again and creates the Iceberg table lake.db.t: S as string, N as double, BOOL as boolean,
    everything else as JSON text

It takes the choices that favour Spark where the description is silent: types come from Spark's own
inferred schema (no second pass), and the table is written by one CREATE TABLE ... AS SELECT.
"""
import json
import sys

from pyspark.sql.types import StructType
from spark_session import open_session

# Where an attribute has several types, one column holds one of them: the first of this order.
PREFERENCE = ["S", "N", "BOOL", "B", "SS", "NS", "BS", "L", "M", "NULL"]


def read_export(spark, folder):
    return spark.read.json(f"{folder}/data/")


def detect(spark, folder, schema_file):
    items = read_export(spark, folder).schema["Item"].dataType
    flat = {}
    for attribute in items.fields:
        tags = attribute.dataType.names if isinstance(attribute.dataType, StructType) else []
        flat[attribute.name] = next((tag for tag in PREFERENCE if tag in tags), "S")
    with open(schema_file, "w", encoding="utf-8") as out:
        json.dump(flat, out, indent=2)


def column(attribute, tag):
    value = f"Item.`{attribute}`.{tag}"
    if tag == "S":
        cast = value
    elif tag == "N":
        cast = f"CAST({value} AS DOUBLE)"
    elif tag == "BOOL":
        cast = f"CAST({value} AS BOOLEAN)"
    elif tag in ("B", "NULL"):
        cast = f"CAST({value} AS STRING)"
    else:
        cast = f"to_json({value})"
    return f"{cast} AS `{attribute}`"


def create(spark, folder, schema_file):
    with open(schema_file, encoding="utf-8") as source:
        flat = json.load(source)
    read_export(spark, folder).createOrReplaceTempView("export_lines")
    columns = ",\n  ".join(column(attribute, tag) for attribute, tag in flat.items())
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW tmp_full_table AS SELECT\n  {columns}\nFROM export_lines")
    spark.sql("CREATE TABLE lake.db.t USING iceberg AS SELECT * FROM tmp_full_table")


def main():
    step, folder, schema_file, warehouse = sys.argv[1:5]
    spark = open_session(f"document2-{step}", warehouse)
    {"detect": detect, "create": create}[step](spark, folder, schema_file)
    spark.stop()


main()
