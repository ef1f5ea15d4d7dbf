#!/usr/bin/env bash
# An API fills a DynamoDB table, and the table becomes Parquet in a folder for each colour: two lines.
# AWS_ENDPOINT_URL_DYNAMODB names a DynamoDB that may be written to, such as DynamoDB Local; without it, it is AWS's own.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
mkdir -p "$work"
rm -f "$work/api"
node api.mjs > "$work/api" &
trap 'kill $!' EXIT
until [ -s "$work/api" ]; do sleep 0.1; done
API=$(cat "$work/api")
export API_KEY=example-key

# The key is completed by the environment, not by the shell: it is in no list of processes, no log and no record.
npx tailrace load "$API/flowers?key=\${API_KEY}" dynamodb:flowers --create-table --key id --items data --next-path meta.next --next-param cursor \
  --transform "rename(Id, id), default(color, 'undefined'), now(created_at)"
npx tailrace sync dynamodb:flowers "parquet:$work/lake/flowers" --partition color

npx tailrace query "parquet:$work/lake/flowers" "select color, count(*) as flowers, count(inStock) as known, max(seeds) as seeds from t group by color order by color"
(cd "$work/lake/flowers" && find . -name '*.parquet' | sort)
