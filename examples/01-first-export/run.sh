#!/usr/bin/env bash
# Loads an export into an Iceberg table, looks at it, and loads it again.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
node ../make-export.mjs "$work/export"

npx tailrace inspect "$work/export"
npx tailrace sync "$work/export" "$work/lake/orders" --key order_id

# What came: one row an order; the texts among the discounts stand in _rescued.
npx tailrace schema show "$work/lake/orders"
npx tailrace query "$work/lake/orders" 'select region, count(*) as orders, sum(total) as total from t group by region order by region'
npx tailrace query "$work/lake/orders" 'select order_id, discount, _rescued from t where _rescued is not null order by order_id'

# The items again, as the export had them.
npx tailrace cat "$work/lake/orders" --as ddb-json --limit 2

# The second run finds the export in the table's ledger and changes nothing.
npx tailrace sync "$work/export" "$work/lake/orders" --key order_id
echo "The table lies in $work/lake/orders"
