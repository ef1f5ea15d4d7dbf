"""Reads {"cases": [{"transform", "width", "type", "value"}]} from stdin and prints PyIceberg's results as a JSON list."""
import base64
import json
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from pyiceberg import transforms as t
from pyiceberg import types as ty

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def source_type(name):
    if name.startswith("decimal"):
        precision, scale = name[8:-1].split(",")
        return ty.DecimalType(int(precision), int(scale))
    return {"string": ty.StringType(), "long": ty.LongType(), "binary": ty.BinaryType(), "timestamptz": ty.TimestamptzType()}[name]


def value_of(name, text):
    if name.startswith("decimal"):
        return Decimal(text)
    if name == "binary":
        return base64.b64decode(text)
    return text if name == "string" else int(text)


def transform_of(case):
    name, width = case["transform"], case.get("width")
    if name == "bucket":
        return t.BucketTransform(width)
    if name == "truncate":
        return t.TruncateTransform(width)
    return {"year": t.YearTransform, "month": t.MonthTransform, "day": t.DayTransform, "hour": t.HourTransform}[name]()


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str) else format(value, "f") if isinstance(value, Decimal) else str(value)


results = []
for case in json.load(sys.stdin)["cases"]:
    result = transform_of(case).transform(source_type(case["type"]))(value_of(case["type"], case["value"]))
    results.append(plain(result))
json.dump(results, sys.stdout)
