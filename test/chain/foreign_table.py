"""Makes an Iceberg table as other tools do, in the layout of path tables: foreign_table.py <folder> <items.json>

S is a string, N a double, BOOL a boolean; everything else is left out. The items are DynamoDB JSON.
"""
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

folder, items_file = sys.argv[1:3]
with open(items_file, encoding="utf-8") as source:
    items = json.load(source)
schema = pa.schema([("pk", pa.string()), ("name", pa.string()), ("qty", pa.float64())])
rows = [
    {
        "pk": item["pk"]["S"],
        "name": item.get("name", {}).get("S"),
        "qty": float(item["qty"]["N"]) if "N" in item.get("qty", {}) else None,
    }
    for item in items
]
parent = Path(folder).parent
catalog = SqlCatalog("made", uri=f"sqlite:///{parent}/catalog.db", warehouse=f"file://{parent}")
catalog.create_namespace("db")
table = catalog.create_table("db.t", schema, location=f"file://{folder}")
table.append(pa.Table.from_pylist(rows, schema=schema))
metadata = Path(table.metadata_location.removeprefix("file://"))
shutil.copy(metadata, metadata.with_name("v1.metadata.json"))
for other in metadata.parent.glob("0*.metadata.json"):
    other.unlink()
(metadata.parent / "version-hint.text").write_text("1", encoding="utf-8")
