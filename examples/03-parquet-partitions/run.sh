#!/usr/bin/env bash
# Loads an export into plain Parquet, in a folder for each region and day.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
node ../make-export.mjs "$work/export"

npx tailrace sync "$work/export" "parquet:$work/lake/orders" \
  --key order_id --partition 'region, day(created_at)' --sort 'order_id'

# Readers are pointed at the generation that counts: the report printed it, and inspect prints it again.
npx tailrace inspect "$work/lake/orders"
(cd "$work/lake/orders" && find . -name '*.parquet' | sort | sed -n '1,5p')
npx tailrace query "$work/lake/orders" "select count(*) as orders from t where region = 'eu'"
