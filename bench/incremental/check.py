"""Proves that a merged table holds what it must: check.py <kind> <path> <file with the truth>

kind: iceberg (a table's folder, deletes applied), pyiceberg (a warehouse with catalog.db) or delta.
"""
import json
import re
import sys
from pathlib import Path

import duckdb


def newest_metadata(table):
    def version(path):
        return int(re.match(r"v?(\d+)", path.name).group(1))

    return max(Path(table, "metadata").glob("*.metadata.json"), key=version)


def rows(kind, path):
    wanted = ("total", "lines", "note")
    if kind == "delta":
        from deltalake import DeltaTable

        return DeltaTable(path).to_pyarrow_table(columns=list(wanted))
    if kind == "pyiceberg":
        from pyiceberg.catalog.sql import SqlCatalog

        table = SqlCatalog("lake", uri=f"sqlite:///{path}/catalog.db", warehouse=f"file://{path}").load_table("db.t")
    else:
        from pyiceberg.table import StaticTable

        table = StaticTable.from_metadata(str(newest_metadata(path)))
    return table.scan(selected_fields=wanted).to_arrow()


def main():
    kind, path, truth_file = sys.argv[1:4]
    with open(truth_file, encoding="utf-8") as source:
        truth = json.load(source)["truth"]
    merged = rows(kind, path)
    found = dict(
        zip(
            ("items", "totalCents", "lines", "quantity", "notes"),
            duckdb.sql(
                "SELECT count(*), round(sum(total) * 100)::BIGINT, sum(len(lines))::BIGINT, "
                "sum(list_sum(list_transform(lines, lambda l: l.qty)))::BIGINT, count(note) FROM merged"
            ).fetchone(),
        )
    )
    expected = {name: truth[name] for name in found}
    print(json.dumps({"ok": found == expected, "found": found, "expected": expected}))
    sys.exit(0 if found == expected else 1)


main()
