#!/usr/bin/env bash
# Keeps a table up to date with incremental exports: a chain, a run that finds nothing new, a gap, and its closing.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
node ../make-export.mjs "$work/exports"
node ../make-window.mjs "$work/exports" 0
node ../make-window.mjs "$work/exports" 1

# All exports below the folder, in order: the full one, then each window, one commit each.
npx tailrace inspect "$work/exports"
npx tailrace sync "$work/exports" "$work/lake/orders" --key order_id
npx tailrace query "$work/lake/orders" 'select count(*) as orders, count(*) filter (paid) as paid, count(channel) as app from t'

# Nothing new: nothing is read or written.
npx tailrace sync "$work/exports" "$work/lake/orders"

# Window 2 is missing: window 3 waits, and the run says which call exports what is missing.
node ../make-window.mjs "$work/exports" 3
npx tailrace sync "$work/exports" "$work/lake/orders" || echo "exit code $?"

# It came: both windows are taken up.
node ../make-window.mjs "$work/exports" 2
npx tailrace sync "$work/exports" "$work/lake/orders"
npx tailrace inspect "$work/lake/orders"
npx tailrace query "$work/lake/orders" 'select count(*) as orders, count(*) filter (paid) as paid, count(channel) as app from t'
echo "The table lies in $work/lake/orders"
