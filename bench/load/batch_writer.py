"""boto3's batch writer, as its documentation shows it.  batch_writer.py <endpoint> <table> <file of JSON lines> [threads]"""
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import boto3

endpoint, name, path = sys.argv[1:4]
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 1
keys = ["id"]


def write(lines):
    # A resource may not be shared by threads.
    table = boto3.session.Session().resource("dynamodb", endpoint_url=endpoint).Table(name)
    with table.batch_writer(overwrite_by_pkeys=keys) as batch:
        for line in lines:
            batch.put_item(Item=json.loads(line, parse_float=Decimal))


started = time.perf_counter()
with open(path, encoding="utf8") as file:
    if threads == 1:
        write(file)
    else:
        lines = file.readlines()
        share = -(-len(lines) // threads)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(write, [lines[at : at + share] for at in range(0, len(lines), share)]))
print('{"seconds": %.3f}' % (time.perf_counter() - started))
