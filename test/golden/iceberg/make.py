"""Makes the golden tables spark/ and pyiceberg/: metadata that other writers wrote, to be read without them.

Run in the test environment from the project's root: .cache/venv/bin/python test/golden/iceberg/make.py
Only metadata is kept: metadata.golden.json (the newest), the current manifest list and its manifests. Paths inside begin with /tmp/tailrace-golden.
"""
import datetime, glob, json, os, shutil
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = "/tmp/tailrace-golden"
UTC = datetime.timezone.utc
shutil.rmtree(ROOT, ignore_errors=True)


def keep(name, metadata):
    out = os.path.join(HERE, name)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    shutil.copy(metadata, os.path.join(out, "metadata.golden.json"))
    folder = os.path.dirname(metadata)
    loaded = json.load(open(metadata))
    current = [s for s in loaded["snapshots"] if s["snapshot-id"] == loaded["current-snapshot-id"]][0]
    shutil.copy(current["manifest-list"].removeprefix("file:").replace("///", "/"), out)
    for path in glob.glob(folder + "/*-m*.avro"):
        shutil.copy(path, out)


def by_spark():
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]").config("spark.driver.extraClassPath", ".cache/jars/*")
             .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
             .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
             .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
             .config("spark.sql.catalog.c", "org.apache.iceberg.spark.SparkCatalog").config("spark.sql.catalog.c.type", "hadoop")
             .config("spark.sql.catalog.c.warehouse", ROOT).getOrCreate())
    spark.sql("""CREATE TABLE c.db.spark (id BIGINT NOT NULL, region STRING, ts TIMESTAMP, amount DECIMAL(9,2),
      s STRUCT<a: STRING>, l ARRAY<INT>) USING iceberg PARTITIONED BY (region, days(ts), bucket(4, id), truncate(100, amount))
      TBLPROPERTIES ('format-version'='2')""")
    row = "(%d, %s, TIMESTAMP '%s', %s, named_struct('a', 'x'), array(1, 2))"
    first = [(1, "'eu'", "1969-12-31 23:00:00", "1.50"), (2, "'a/b=é'", "2024-01-05 10:11:12.123456", "-0.01"), (3, "NULL", "2024-01-05 00:00:00", "NULL")]
    spark.sql("INSERT INTO c.db.spark VALUES " + ", ".join(row % r for r in first))
    spark.sql("INSERT INTO c.db.spark VALUES " + row % (4, "'us'", "2024-02-29 00:00:00", "99999.99"))
    spark.sql("DELETE FROM c.db.spark WHERE region = 'eu'")
    spark.stop()
    newest = sorted(glob.glob(ROOT + "/db/spark/metadata/v*.metadata.json"))[-1]
    keep("spark", newest)


def by_pyiceberg():
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.expressions import EqualTo
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.types import DecimalType, LongType, NestedField, StringType, TimestamptzType
    catalog = SqlCatalog("g", uri="sqlite://", warehouse=ROOT + "/py")
    catalog.create_namespace("db")
    schema = Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "region", StringType()),
                    NestedField(3, "ts", TimestamptzType()), NestedField(4, "amount", DecimalType(9, 2)))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "region"), PartitionField(4, 1001, IdentityTransform(), "amount"))
    table = catalog.create_table("db.t", schema, partition_spec=spec, properties={"format-version": "2", "write.avro.compression-codec": "null"})
    arrow = pa.schema([pa.field("id", pa.int64(), False), ("region", pa.string()), ("ts", pa.timestamp("us", "UTC")), ("amount", pa.decimal128(9, 2))])
    rows = [{"id": 1, "region": "eu", "ts": datetime.datetime(1969, 12, 31, 23, tzinfo=UTC), "amount": Decimal("1.50")},
            {"id": 2, "region": "a/b=é", "ts": datetime.datetime(2024, 1, 5, 10, 11, 12, 123456, tzinfo=UTC), "amount": Decimal("-0.01")},
            {"id": 3, "region": None, "ts": None, "amount": None}]
    table.append(pa.Table.from_pylist(rows, arrow))
    table.append(pa.Table.from_pylist([dict(rows[0], id=4, region="us")], arrow))
    table.delete(EqualTo("region", "eu"))
    keep("pyiceberg", table.metadata_location.removeprefix("file://"))


by_spark()
by_pyiceberg()
