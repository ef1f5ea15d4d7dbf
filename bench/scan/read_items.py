"""awswrangler's way: read_items into a data frame, then to_parquet.  read_items.py <endpoint> <folder>"""
import sys, time
import awswrangler as wr

endpoint, folder = sys.argv[1:3]
wr.config.dynamodb_endpoint_url = endpoint
started = time.perf_counter()
frame = wr.dynamodb.read_items("orders", allow_full_scan=True, as_dataframe=True)
# Sets and nested decimals are no Arrow types: whoever writes such a frame makes them text.
for name in frame.columns:
    if frame[name].map(lambda value: isinstance(value, (set, dict, list))).any():
        frame[name] = frame[name].map(str)
frame.to_parquet(f"{folder}/orders.parquet")
print('{"rows": %d, "seconds": %.3f}' % (len(frame), time.perf_counter() - started))
