"""Contender: PyIceberg's delete and append of the window, which is its upsert without the comparison of every row.

pyiceberg_merge.py prepare <export folder> <warehouse>
pyiceberg_merge.py merge <window file>... -- <warehouse>
pyiceberg_merge.py upsert <window file>... -- <warehouse>     its own upsert, then a delete
"""
import sys

import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import In
from typed_window import export_table, window_table


def catalog(warehouse):
    return SqlCatalog("lake", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")


def deletes(table, changes):
    gone = changes.filter(changes["gone"])
    if gone.num_rows == 0:
        return
    # order_id is unique, too, and In with one column is what PyIceberg evaluates fastest.
    table.delete(In("order_id", gone["changed_id"].to_pylist()))


def main():
    verb, *rest = sys.argv[1:]
    if verb == "prepare":
        lake = catalog(rest[1])
        lake.create_namespace("db")
        rows = export_table(rest[0])
        lake.create_table("db.t", rows.schema).append(rows)
        return
    split = rest.index("--")
    table = catalog(rest[split + 1]).load_table("db.t")
    changes = window_table(rest[:split])
    puts = changes.filter(pc.invert(changes["gone"])).drop_columns(["gone", "changed_id"])
    if verb == "upsert":
        table.upsert(puts, join_cols=["pk", "sk"])
        deletes(table, changes)
        return
    with table.transaction() as transaction:
        transaction.delete(In("order_id", changes["changed_id"].to_pylist()))
        transaction.append(puts)


main()
