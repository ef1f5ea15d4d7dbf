"""Proves that a contender's table holds the generated items: check.py <kind> <path> <file with the truth>

kind: iceberg (a table's folder; only files of the current snapshot count) or parquet (a file).
Prints one JSON line {"ok": bool, "found": {...}, "expected": {...}, "bytes": n}; exit code 1 if not ok.
"""
import json
import os
import re
import sys
from pathlib import Path

import duckdb


def newest_metadata(table):
    def version(path):
        return int(re.match(r"v?(\d+)", path.name).group(1))

    return max(Path(table, "metadata").glob("*.metadata.json"), key=version)


def data_files(kind, path):
    if kind == "parquet":
        return [path]
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(str(newest_metadata(path)))
    return [re.sub("^file:(//)?", "", task.file.file_path) for task in table.scan().plan_files()]


def main():
    kind, path, truth_file = sys.argv[1:4]
    with open(truth_file, encoding="utf-8") as source:
        truth = json.load(source)["truth"]
    files = data_files(kind, path)
    relation = duckdb.read_parquet(files)
    types = dict(zip(relation.columns, relation.types))
    expected = {"items": truth["items"]}
    measures = ["count(*)"]
    if truth["lines"] > 0:
        # Document 2's table holds lines as JSON text of typed values.
        lines = "lines"
        quantity = "list_sum(list_transform(lines, lambda l: l.qty))"
        if str(types["lines"]) == "VARCHAR":
            lines = "from_json(lines, '[\"JSON\"]')"
            quantity = f"list_sum(list_transform({lines}, lambda l: (l->>'$.M.qty.N')::BIGINT))"
        expected.update({key: truth[key] for key in ("totalCents", "lines", "quantity", "notes")})
        measures += [
            "round(sum(total) * 100)::BIGINT",
            f"sum(len({lines}))::BIGINT",
            f"sum({quantity})::BIGINT",
            "count(note)",
        ]
    row = relation.aggregate(", ".join(measures)).fetchone()
    found = dict(zip(expected, row))
    size = sum(os.path.getsize(file) for file in files)
    print(json.dumps({"ok": found == expected, "found": found, "expected": expected, "bytes": size}))
    sys.exit(0 if found == expected else 1)


main()
