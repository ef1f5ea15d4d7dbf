"""PyIceberg beside a test, on a REST catalog. First line: the catalog's properties. Then one JSON request a line on stdin,
one reply a line on stdout, marked with `@@`: {"rows": table, "columns": [name]}: the rows; {"append": [row], "to": table}:
adds rows; {"state": table}: what its metadata says; {"delete": table, "where": filter}; {"create": table}: an empty one.
"""
import json, sys, traceback
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType

catalog = load_catalog("test", **json.loads(sys.stdin.readline()))


def plain(value):
    return value if isinstance(value, (str, type(None))) else float(value)


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
    if "create" in request:
        schema = Schema(NestedField(1, "pk", StringType(), required=False))
        return catalog.create_table(request["create"], schema).location()
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
