"""Contender: delta-rs' merge of the window into a Delta table.

delta_merge.py prepare <export folder> <table>
delta_merge.py merge <window file>... -- <table>
"""
import sys

from deltalake import DeltaTable, write_deltalake
from typed_window import export_table, window_table


def main():
    verb, *rest = sys.argv[1:]
    if verb == "prepare":
        write_deltalake(rest[1], export_table(rest[0]))
        return
    split = rest.index("--")
    changes = window_table(rest[:split])
    names = [name for name in changes.column_names if name not in ("gone", "changed_id")]
    (
        DeltaTable(rest[split + 1])
        .merge(changes, "t.pk = c.pk AND t.sk = c.sk", source_alias="c", target_alias="t")
        .when_matched_delete("c.gone")
        .when_matched_update({name: f"c.{name}" for name in names})
        .when_not_matched_insert({name: f"c.{name}" for name in names}, "NOT c.gone")
        .execute()
    )


main()
