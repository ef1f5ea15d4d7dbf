"""Contender (c) in Python: by_hand.py <export folder> <target.parquet>"""
import sys
from pathlib import Path

import duckdb

folder, target = sys.argv[1:3]
sql = Path(__file__).with_name("by-hand.sql").read_text(encoding="utf-8")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


duckdb.connect().execute(
    sql.replace("{{files}}", quoted(f"{folder}/data/*.json.gz")).replace("{{target}}", quoted(target))
)
