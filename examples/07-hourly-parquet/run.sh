#!/usr/bin/env bash
# An API fills a DynamoDB table, and the table becomes Parquet in a folder for each colour: two lines.
# AWS_ENDPOINT_URL_DYNAMODB names a DynamoDB that may be written to, such as DynamoDB Local; without it, dynalite is started.
set -euo pipefail
cd "$(dirname "$0")"
work=${1:-$(mktemp -d)}
mkdir -p "$work"
rm -f "$work/api"
node api.mjs > "$work/api" &
servers=$!
trap 'kill $servers' EXIT
until [ -s "$work/api" ]; do sleep 0.1; done
API=$(cat "$work/api")
export API_KEY=example-key
if [ -z "${AWS_ENDPOINT_URL_DYNAMODB:-}" ]; then
  port=$(node -e "const s = require('net').createServer().listen(0, () => { console.log(s.address().port); s.close(); })")
  node ../../node_modules/dynalite/cli.js --host 127.0.0.1 --port "$port" --createTableMs 10 > "$work/dynalite.log" 2>&1 &
  servers="$servers $!"
  export AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:$port" AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  until curl -s -o "$work/dynalite.answer" "$AWS_ENDPOINT_URL_DYNAMODB"; do sleep 0.1; done
fi

# The key is completed by the environment, not by the shell: it is in no list of processes, no log and no record.
npx tailrace load "$API/flowers?key=\${API_KEY}" dynamodb:flowers --create-table --key id --items data --next-path meta.next --next-param cursor \
  --transform "rename(Id, id), default(color, 'undefined'), now(created_at)"
npx tailrace sync dynamodb:flowers "parquet:$work/lake/flowers" --partition color

npx tailrace query "parquet:$work/lake/flowers" "select color, count(*) as flowers, count(inStock) as known, max(seeds) as seeds from t group by color order by color"
(cd "$work/lake/flowers" && find . -name '*.parquet' | sort)

# Every hour: what was written since the last run began, less five minutes. The same hour's run, repeated, reads nothing.
run=hourly-$(date -u +%Y%m%dT%H)
for _ in 1 2; do
  npx tailrace sync dynamodb:flowers "parquet:$work/lake/flowers" --since last --since-attribute created_at --run-id "$run"
done
