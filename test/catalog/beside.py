"""PyIceberg beside a test, on a catalog. First line: the catalog's properties. Then one JSON request a line on stdin,
one reply a line on stdout, marked with `@@`: {"rows": table, "columns": [name]}: the rows; {"append": [row], "to": table}:
adds rows; {"state": table}: what its metadata says; {"delete": table, "where": filter}; {"compact": table}: all rows into new files; {"create": table, "at": location?}: an empty
one; {"add": column, "to": table}: text; {"set": {property: value}, "on": table}; {"appends": prefix, "count": n, "to":
table}: a row with a key and a commit each, made again when it lost, and how often that was.
"""
import json, sys, traceback

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType

catalog = load_catalog("test", **json.loads(sys.stdin.readline()))


def plain(value):
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if isinstance(value, (str, type(None))) else float(value)


def appends(table, prefix, count):
    lost = 0
    for n in range(count):
        while True:
            try:
                row = [{field.name: f"{prefix}-{n}" if field.name == "pk" else None for field in table.schema().as_arrow()}]
                table.refresh().append(pa.Table.from_pylist(row, schema=table.schema().as_arrow()))
                break
            except CommitFailedException:
                lost += 1
    return lost


def answer(request):
    if "rows" in request:
        found = catalog.load_table(request["rows"]).scan().to_arrow().to_pylist()
        return sorted(([plain(row[name]) for name in request["columns"]] for row in found), key=json.dumps)
    if "append" in request:
        table = catalog.load_table(request["to"])
        schema = table.schema().as_arrow()
        rows = [{field.name: row.get(field.name) for field in schema} for row in request["append"]]
        table.append(pa.Table.from_pylist(rows, schema=schema))
        return None
    if "delete" in request:
        catalog.load_table(request["delete"]).delete(request["where"])
        return None
    if "compact" in request:
        table = catalog.load_table(request["compact"])
        table.overwrite(table.scan().to_arrow())
        return None
    if "create" in request:
        schema = Schema(NestedField(1, "pk", StringType(), required=False))
        return catalog.create_table(request["create"], schema, location=request.get("at")).location()
    if "add" in request:
        with catalog.load_table(request["to"]).update_schema() as update:
            update.add_column(request["add"], StringType())
        return None
    if "set" in request:
        with catalog.load_table(request["on"]).transaction() as transaction:
            transaction.set_properties(**request["set"])
        return None
    if "appends" in request:
        return appends(catalog.load_table(request["to"]), request["appends"], request["count"])
    if "state" in request:
        table = catalog.load_table(request["state"])
        metadata = table.metadata
        return {
            "uuid": str(metadata.table_uuid),
            "location": metadata.location,
            "snapshot": str(metadata.current_snapshot_id),
            "properties": dict(metadata.properties),
            "snapshots": [str(snapshot.snapshot_id) for snapshot in metadata.snapshots],
            "fields": {field.name: field.field_id for field in table.schema().fields},
            "partition": [str(field) for field in table.spec().fields],
        }
    raise ValueError(request)


print("@@" + json.dumps({"reply": "ready"}), flush=True)
for line in sys.stdin:
    try:
        reply = {"reply": answer(json.loads(line))}
    except Exception:
        reply = {"error": traceback.format_exc()[-2000:]}
    print("@@" + json.dumps(reply), flush=True)
