#!/usr/bin/env bash
# An export on S3 becomes a table on S3. Needs a bucket: BUCKET=my-bucket, credentials by AWS's own rules, and
# AWS_ENDPOINT_URL_S3 for a store that is not AWS's.
set -euo pipefail
cd "$(dirname "$0")"
: "${BUCKET:?Set BUCKET to a bucket that you may write to.}"
work=${1:-$(mktemp -d)}
node ../make-export.mjs "$work/export"

# First from the local copy to S3, then from an export that lies on S3.
npx tailrace sync "$work/export" "s3://$BUCKET/lake/orders" --key order_id
npx tailrace inspect "s3://$BUCKET/lake/orders"
npx tailrace query "s3://$BUCKET/lake/orders" 'select count(*) as orders from t'

if [ -n "${EXPORT_PREFIX:-}" ]; then
  npx tailrace sync "s3://$BUCKET/$EXPORT_PREFIX" "parquet:s3://$BUCKET/lake/orders-parquet" --key order_id
fi
