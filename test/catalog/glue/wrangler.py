"""awswrangler reads a table of Glue by its name: wrangler.py <database> <table> <out>; endpoints by AWS's own variables.

Each row goes to the file as one canonical JSON line.
"""
import os
import sys

import awswrangler as wr
import pyarrow as pa

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "interop", "readers"))
from canonical import write_arrow  # noqa: E402

database, table, path = sys.argv[1:4]
frame = wr.s3.read_parquet_table(database=database, table=table, dtype_backend="pyarrow", use_threads=False)
with open(path, "w", encoding="utf-8") as out:
    write_arrow(out, pa.Table.from_pandas(frame, preserve_index=False).to_batches())
print(wr.catalog.table(database=database, table=table).to_json(orient="records"))
