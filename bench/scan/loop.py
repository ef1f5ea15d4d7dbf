"""A loop as people write it: a page of Scan, a data frame, a file, the next page.  loop.py <endpoint> <folder>"""
import sys, time
import boto3, pandas as pd

endpoint, folder = sys.argv[1:3]
table = boto3.resource("dynamodb", endpoint_url=endpoint).Table("orders")
started = time.perf_counter()
rows, page, start = 0, 0, {}
while True:
    reply = table.scan(**start)
    frame = pd.DataFrame(reply["Items"])
    for name in frame.columns:
        if frame[name].map(lambda value: isinstance(value, (set, dict, list))).any():
            frame[name] = frame[name].map(str)
    frame.to_parquet(f"{folder}/{page}.parquet")
    rows, page = rows + len(frame), page + 1
    if "LastEvaluatedKey" not in reply:
        break
    start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
print('{"rows": %d, "seconds": %.3f}' % (rows, time.perf_counter() - started))
