"""Reads Iceberg tables with PyIceberg, DuckDB and Spark and compares them with their own Parquet files, value by value.

Request (a JSON file): {"jars": "<classpath or null>", "tables": [{"name", "location", "metadata", "files", "filters",
"nullAsEmpty", "insert"}]}. Prints one JSON object: {"problems": [...], "checked": n}. `insert`: true makes Spark copy
two rows into the table afterwards.
"""
import datetime, decimal, glob, json, os, sys
os.environ["TZ"] = "UTC"
import time
time.tzset()
import duckdb

request = json.load(open(sys.argv[1]))
problems, checked = [], 0
UTC = datetime.timezone.utc


def canon(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "x" + bytes(value).hex()
    if isinstance(value, datetime.datetime):
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return "t" + value.isoformat()
    if isinstance(value, decimal.Decimal):
        return "d" + str(value)
    if isinstance(value, float):
        return "f" + repr(value)
    if isinstance(value, dict):
        return {str(k): canon(v) for k, v in sorted(value.items(), key=lambda kv: str(kv[0]))}
    if isinstance(value, (list, tuple)):
        return [canon(v) for v in value]
    return value


def keyed(rows, null_as_empty):
    out = []
    for row in rows:
        row = {k: canon(v) for k, v in row.items()}
        for name in null_as_empty:
            if row.get(name) in (None, {}):
                row[name] = []
        out.append(json.dumps(row, sort_keys=True, ensure_ascii=False))
    return sorted(out)


def dicts(relation):
    return relation.to_arrow_table().to_pylist(maps_as_pydicts="strict")


con = duckdb.connect(config={"threads": 1})
con.sql("SET TimeZone='UTC'")
for extension in ("avro", "iceberg"):
    base = os.path.dirname(__import__("duckdb_extension_" + extension).__file__)
    con.load_extension(glob.glob(base + "/extensions/v*/" + extension + ".duckdb_extension")[0])


def quoted(path):
    return "'" + path.replace("'", "''") + "'"


def expected(table, where):
    if not table["files"]:
        return []
    files = "[" + ", ".join(quoted(f) for f in table["files"]) + "]"
    return dicts(con.sql(f"SELECT * FROM read_parquet({files}, hive_partitioning=false) WHERE {where or 'true'}"))


def by_duckdb(table, where):
    return dicts(con.sql(f"SELECT * FROM iceberg_scan({quoted(table['location'])}) WHERE {where or 'true'}"))


def by_pyiceberg(table, where):
    from pyiceberg.table import StaticTable
    static = StaticTable.from_metadata(table["metadata"])
    scan = static.scan(row_filter=where) if where else static.scan()
    return scan.to_arrow().to_pylist(maps_as_pydicts="strict")


spark = None


def start_spark():
    global spark
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]")
             .config("spark.driver.extraClassPath", request["jars"])
             .config("spark.ui.enabled", "false").config("spark.driver.memory", "1g")
             .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
             .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
             .config("spark.sql.catalog.local", "org.apache.iceberg.spark.SparkCatalog")
             .config("spark.sql.catalog.local.type", "hadoop")
             .config("spark.sql.catalog.local.warehouse", request["warehouse"])
             .getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")


def by_spark(table, where):
    frame = spark.read.format("iceberg").load(table["location"])
    frame = frame.where(where) if where else frame
    return [row.asDict(recursive=True) for row in frame.collect()]


def compare(reader, read, table, where):
    global checked
    checked += 1
    label = f"{table['name']}: {reader} where {where}"
    try:
        loose = table["nullAsEmpty"] if reader == "pyiceberg" else []
        want, got = keyed(expected(table, where), loose), keyed(read(table, where), loose)
    except Exception as error:
        problems.append(f"{label}: {type(error).__name__}: {str(error)[:600]}")
        return
    if want != got:
        odd = [(w, g) for w, g in zip(want, got) if w != g][:1]
        problems.append(f"{label}: {len(want)} rows expected, {len(got)} read; first difference: {odd}"[:3000])
    if where and table["files"] and not want:
        problems.append(f"{label}: the filter selects nothing, so it proves nothing")


readers = [("duckdb", by_duckdb), ("pyiceberg", by_pyiceberg)]
if request["jars"]:
    start_spark()
    readers.append(("spark", by_spark))
for table in request["tables"]:
    for reader, read in readers:
        for where in [None, *table["filters"]]:
            compare(reader, read, table, where)
inserted = {}
if spark:
    for table in request["tables"]:
        if table["insert"]:
            try:
                name = "local.db.`" + os.path.basename(table["location"]) + "`"
                spark.sql(f"INSERT INTO {name} SELECT * FROM {name} LIMIT 2")
                if table["insert"] == "delete":
                    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('write.delete.mode'='merge-on-read')")
                    spark.sql(f"DELETE FROM {name} WHERE sk < 0")
                inserted[table["name"]] = spark.table(name).count()
            except Exception as error:
                problems.append(f"{table['name']}: spark insert: {str(error)[:1500]}")
    spark.stop()
print(json.dumps({"problems": problems, "checked": checked, "inserted": inserted}))
