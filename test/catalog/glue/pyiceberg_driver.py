"""PyIceberg's GlueCatalog, told what to do line by line: pyiceberg_driver.py <endpoint> [<s3 endpoint>]

Each line of the input is {"do": ..., "table": "database.table", ...}; each is answered by one line of JSON.
"""
import json
import os
import sys

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "interop", "readers"))
from canonical import arrow_value  # noqa: E402

s3 = {"s3.endpoint": sys.argv[2]} if len(sys.argv) > 2 else {}
catalog = GlueCatalog("glue", **{"glue.endpoint": sys.argv[1], "glue.region": "us-east-1", "s3.region": "us-east-1", **s3})


def rows(table, **_):
    batches = table.scan().to_arrow().to_batches()
    return [
        {field.name: arrow_value(field.type, batch.column(i)[row].as_py()) for i, field in enumerate(batch.schema)}
        for batch in batches
        for row in range(batch.num_rows)
    ]


def state(table, **_):
    return {
        "metadata": table.metadata_location,
        "snapshot": str(table.metadata.current_snapshot_id),
        "columns": [field.name for field in table.schema().fields],
    }


def append(table, rows, **_):
    table.append(arrow(table, rows))


def arrow(table, some):
    return pa.Table.from_pylist(some, schema=table.schema().as_arrow())


def delete(table, filter, **_):
    table.delete(filter)


def add_column(table, name, **_):
    from pyiceberg.types import StringType

    with table.update_schema() as update:
        update.add_column(name, StringType())


def set_property(table, name, value, **_):
    with table.transaction() as transaction:
        transaction.set_properties(**{name: value})


def appends(table, prefix, count, **_):
    """Commits that lose are made again on the table as it is then."""
    lost = 0
    for n in range(count):
        while True:
            try:
                table.refresh().append(arrow(table, [{"pk": f"{prefix}-{n}"}]))
                break
            except CommitFailedException:
                lost += 1
    return {"lost": lost}


def create(name, location, rows):
    schema = pa.schema([pa.field("pk", pa.string(), nullable=False), ("n", pa.int64())])
    table = catalog.create_table(name, schema, location=location)
    table.append(pa.Table.from_pylist(rows, schema=schema))


WORK = {f.__name__: f for f in (rows, state, append, delete, add_column, set_property, appends)}
for line in sys.stdin:
    task = json.loads(line)
    work = task.pop("do")
    name = task.pop("table")
    answer = create(name, **task) if work == "create" else WORK[work](catalog.load_table(name), **task)
    print(json.dumps(answer), flush=True)
