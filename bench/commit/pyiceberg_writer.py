"""PyIceberg's side of bench/commit. First line of stdin: {"catalog": properties, "table": name, "location": uri?, "rows": n}.
Then one request a line, one reply a line, marked with `@@`: {"append": n} loads the table and appends the nth rows, and
tells the milliseconds of that, and how often it failed before; {"count": true} reads the table, outside of any clock.
"""
import json, sys, time, traceback

import pyarrow as pa
from pyiceberg.catalog import load_catalog

settings = json.loads(sys.stdin.readline())
catalog = load_catalog("bench", **settings["catalog"])
schema = pa.schema([("pk", pa.string()), ("n", pa.int64()), ("amount", pa.decimal128(18, 2)), ("note", pa.string())])


def rows(n):
    from decimal import Decimal

    keys = range(n * settings["rows"], (n + 1) * settings["rows"])
    columns = [[f"order-{key}" for key in keys], list(keys), [Decimal(key) / 4 for key in keys], [f"note of {key}" for key in keys]]
    return pa.table([pa.array(column, type=field.type) for column, field in zip(columns, schema)], schema=schema)


def append(table):
    failures = 0
    while True:
        started, used = time.perf_counter(), time.process_time()
        try:
            catalog.load_table(settings["table"]).append(table)
        except OSError:
            # The S3 server now and then refuses an upload of PyArrow's as no HTTP; nothing is committed then.
            failures += 1
            if failures == 3:
                raise
            continue
        spent = {"ms": (time.perf_counter() - started) * 1000, "cpuMs": (time.process_time() - used) * 1000}
        return {**spent, "failures": failures}


def answer(request):
    if "append" in request:
        return append(rows(request["append"]))
    if "count" in request:
        return catalog.load_table(settings["table"]).scan().count()
    raise ValueError(request)


try:
    catalog.create_namespace_if_not_exists(settings["table"].split(".")[0])
    options = {} if settings.get("location") is None else {"location": settings["location"]}
    catalog.create_table(settings["table"], schema, **options)
    reply = {"reply": "ready"}
except Exception:
    reply = {"error": traceback.format_exc()[-2000:]}
print("@@" + json.dumps(reply), flush=True)
for line in sys.stdin:
    try:
        reply = {"reply": answer(json.loads(line))}
    except Exception:
        reply = {"error": traceback.format_exc()[-2000:]}
    print("@@" + json.dumps(reply), flush=True)
