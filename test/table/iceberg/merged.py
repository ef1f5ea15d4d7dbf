"""Keeps Spark, PyIceberg and DuckDB open beside a test that commits in between. One JSON request a line on stdin, one
JSON reply a line on stdout, marked with `@@`.

First line: {"jars", "warehouse", "metastore"?, "hadoop"?}: with an address Spark has a catalog `hive`; `hadoop` are
settings of Hadoop's. Then {"read": location}: the rows of the table by each reader; {"counts": location}:
files and rows as the readers' metadata tables have them; {"sql": statement}: rows of a Spark statement. {"canonical": statement}: the same as canonical.py has them. {"some": [column],
"of": location}: rows of some columns by each reader, numbers as floats. {"append": [row], "to": location, "over": filter}:
PyIceberg adds rows, in place of those that a filter finds where one is given. {"ref": name, "kind": "branch" or "tag",
"of": location, "at": snapshot, "retention": {argument: value}}: PyIceberg makes a reference. {"refs": location}: by name, the
snapshot that PyIceberg sees there, and the rows that it and Spark count.
"""
import datetime, glob, json, os, sys
os.environ["TZ"] = "UTC"
import time
time.tzset()
import duckdb

setup = json.loads(sys.stdin.readline())
con = duckdb.connect(config={"threads": 1})
for extension in ("avro", "iceberg"):
    base = os.path.dirname(__import__("duckdb_extension_" + extension).__file__)
    con.load_extension(glob.glob(base + "/extensions/v*/" + extension + ".duckdb_extension")[0])

from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[1]")
         .config("spark.driver.extraClassPath", setup["jars"])
         .config("spark.ui.enabled", "false").config("spark.driver.memory", "800m")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
         .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
         .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
         .config("spark.sql.catalog.local", "org.apache.iceberg.spark.SparkCatalog")
         .config("spark.sql.catalog.local.type", "hadoop")
         .config("spark.sql.catalog.local.cache-enabled", "false")
         .config("spark.sql.catalog.local.warehouse", setup["warehouse"]))
if "metastore" in setup:
    hive = {"": "org.apache.iceberg.spark.SparkCatalog", ".type": "hive", ".uri": setup["metastore"], ".cache-enabled": "false"}
    for key, value in hive.items():
        spark = spark.config("spark.sql.catalog.hive" + key, value)
    # Tables that are no Iceberg tables are those of the session's own catalog.
    spark = (spark.config("spark.sql.catalogImplementation", "hive")
             .config("spark.sql.warehouse.dir", setup["warehouse"] + "/spark")
             .config("spark.hadoop.hive.metastore.uris", setup["metastore"]))
for key, value in setup.get("hadoop", {}).items():
    spark = spark.config("spark.hadoop." + key, value)
spark = spark.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def static(location):
    from pyiceberg.table import StaticTable
    versions = [int(os.path.basename(f)[1:].split(".")[0]) for f in glob.glob(location + "/metadata/v*.metadata.json")]
    return StaticTable.from_metadata(f"{location}/metadata/v{max(versions)}.metadata.json")


def plain(value):
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def rows(dicts):
    return sorted(([plain(row[name]) for name in sorted(row)] for row in dicts), key=lambda row: json.dumps(row))


def name(location):
    return "local.db.`" + os.path.basename(location) + "`"


def read(location):
    found = {
        "duckdb": rows(con.sql(f"SELECT * FROM iceberg_scan('{location}')").to_arrow_table().to_pylist()),
        "pyiceberg": rows(static(location).scan().to_arrow().to_pylist()),
        "spark": rows(row.asDict() for row in spark.table(name(location)).collect()),
    }
    found["sparkCount"] = spark.sql(f"SELECT count(*) FROM {name(location)}").collect()[0][0]
    found["pyicebergCount"] = static(location).scan().count()
    return found


def counts(location):
    def spark_of(table):
        (row,) = spark.sql(f"SELECT count(*), coalesce(sum(record_count), 0), coalesce(sum(file_size_in_bytes), 0) "
                           f"FROM {name(location)}.{table}").collect()
        return list(row)

    def pyiceberg_of(table):
        found = getattr(static(location).inspect, table)().to_pylist()
        return [len(found), sum(f["record_count"] for f in found), sum(f["file_size_in_bytes"] for f in found)]

    (snapshot,) = spark.sql(f"SELECT s.operation, s.summary FROM {name(location)}.snapshots s JOIN {name(location)}.refs r "
                            f"ON r.snapshot_id = s.snapshot_id AND r.name = 'main'").collect()
    return {
        "spark": {table: spark_of(table) for table in ("data_files", "delete_files")},
        "pyiceberg": {table: pyiceberg_of(table) for table in ("data_files", "delete_files")},
        "operation": snapshot[0],
        "summary": dict(snapshot[1]),
    }


def path_table(location):
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.io.pyarrow import PyArrowFileIO
    from pyiceberg.table import CommitTableResponse, Table
    from pyiceberg.table.update import update_table_metadata

    class PathCatalog(NoopCatalog):
        def commit_table(self, table, requirements, updates):
            for requirement in requirements:
                requirement.validate(table.metadata)
            metadata = update_table_metadata(table.metadata, updates)
            version = int(os.path.basename(table.metadata_location)[1:].split(".")[0]) + 1
            path = f"{location}/metadata/v{version}.metadata.json"
            with open(path, "x") as file:
                file.write(metadata.model_dump_json())
            with open(f"{location}/metadata/version-hint.text", "w") as file:
                file.write(str(version))
            return CommitTableResponse(metadata=metadata, metadata_location=path)

    read = static(location)
    return Table(("db", "t"), read.metadata, read.metadata_location, PyArrowFileIO(), PathCatalog("path"))


def append(location, dicts, over):
    import pyarrow
    table = path_table(location)
    schema = table.schema().as_arrow()
    full = [{field.name: row.get(field.name) for field in schema} for row in dicts]
    added = pyarrow.Table.from_pylist(full, schema=schema)
    table.append(added) if over is None else table.overwrite(added, overwrite_filter=over)


def make_ref(request):
    with path_table(request["of"]).manage_snapshots() as manage:
        getattr(manage, "create_" + request["kind"])(int(request["at"]), request["ref"], **request.get("retention", {}))


def refs(location):
    table = static(location)
    def rows(ref, snapshot):
        (row,) = spark.sql(f"SELECT count(*) FROM {name(location)} VERSION AS OF '{ref}'").collect()
        return [str(snapshot), table.scan(snapshot_id=snapshot).to_arrow().num_rows, row[0]]
    return {ref: rows(ref, snapshot.snapshot_id) for ref, snapshot in table.refs().items()}


def canonical(statement):
    import io
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "interop", "readers"))
    from canonical import spark_value, write_row
    frame = spark.sql(statement)
    out = io.StringIO()
    for row in frame.collect():
        write_row(out, {field.name: spark_value(field.dataType, row[at]) for at, field in enumerate(frame.schema.fields)})
    return [json.loads(line) for line in out.getvalue().splitlines()]


def some(location, columns):
    def cells(dicts):
        return sorted(([v if v is None or isinstance(v, str) else float(v) for v in (row[c] for c in columns)]
                       for row in dicts), key=lambda row: json.dumps(row))
    names = ", ".join(columns)
    return {
        "duckdb": cells(con.sql(f"SELECT {names} FROM iceberg_scan('{location}')").to_arrow_table().to_pylist()),
        "pyiceberg": cells(static(location).scan(selected_fields=tuple(columns)).to_arrow().to_pylist()),
        "spark": cells(row.asDict() for row in spark.table(name(location)).select(*columns).collect()),
    }


for line in sys.stdin:
    request = json.loads(line)
    try:
        if "read" in request:
            reply = read(request["read"])
        elif "some" in request:
            reply = some(request["of"], request["some"])
        elif "append" in request:
            reply = append(request["to"], request["append"], request.get("over"))
        elif "refs" in request:
            reply = refs(request["refs"])
        elif "ref" in request:
            reply = make_ref(request)
        elif "counts" in request:
            reply = counts(request["counts"])
        elif "canonical" in request:
            reply = canonical(request["canonical"])
        else:
            reply = [list(row) for row in spark.sql(request["sql"]).collect()]
        print("@@" + json.dumps({"reply": reply}, default=str), flush=True)
    except Exception as error:
        print("@@" + json.dumps({"error": f"{type(error).__name__}: {str(error)[:1500]}"}), flush=True)
spark.stop()
