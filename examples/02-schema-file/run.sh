#!/usr/bin/env bash
# Writes the schema that was inferred to a file, edits it, and loads with it.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
node ../make-export.mjs "$work/export"

npx tailrace schema infer "$work/export" --key order_id --timestamps auto --out "$work/orders.schema.yaml"
cat "$work/orders.schema.yaml"

# Any editor does: here, `total` gets two digits behind the point. What the file does not name would go to _rescued.
sed -i.bak 's/^  total: .*/  total: decimal(12,2)/' "$work/orders.schema.yaml"

npx tailrace sync "$work/export" "$work/lake/orders" --key order_id --schema "$work/orders.schema.yaml"
npx tailrace schema diff "$work/export" "$work/lake/orders"

# The flat form of other tools is accepted, too.
echo '{"order_id": "S", "total": "N"}' > "$work/flat.json"
npx tailrace sync "$work/export" "$work/lake/totals" --key order_id --schema "$work/flat.json"
npx tailrace query "$work/lake/totals" 'select order_id, total from t order by order_id limit 3'
