"""One text per row, the same from every reader, that loses nothing.

Strings, booleans and nulls stand as themselves and lists as arrays; everything else is an object with one key that
tells its kind, so that no value can be taken for another:
  {"$n": "1.5"} whole number or decimal   {"$f": "1.5"} float   {"$b": base64}   {"$t": ISO, microseconds, UTC}
  {"$s": {field: value}} struct, null members kept   {"$m": [[key, value], ...]} map, sorted by key
"""
import base64
import datetime
import decimal
import json


def number(value):
    if isinstance(value, int):
        return {"$n": str(value)}
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return {"$n": "0" if text in ("-0", "") else text}


def leaf(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, decimal.Decimal)):
        return number(value)
    if isinstance(value, float):
        return {"$f": repr(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"$b": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return {"$t": value.isoformat(timespec="microseconds") + "Z"}
    if isinstance(value, datetime.date):
        return {"$d": value.isoformat()}
    raise TypeError(f"no canonical form for {type(value)}")


def pairs(entries):
    return {"$m": sorted(entries, key=lambda pair: json.dumps(pair[0], ensure_ascii=True))}


def write_row(out, row):
    out.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")))
    out.write("\n")


def write_arrow(out, batches):
    """Writes the rows of Arrow record batches."""
    for batch in batches:
        columns = [(field.name, field.type, batch.column(i).to_pylist()) for i, field in enumerate(batch.schema)]
        for i in range(batch.num_rows):
            write_row(out, {name: arrow_value(kind, values[i]) for name, kind, values in columns})


def arrow_value(kind, value):
    import pyarrow.types as t

    if value is None:
        return None
    if t.is_struct(kind):
        return {"$s": {field.name: arrow_value(field.type, value[field.name]) for field in kind}}
    if t.is_map(kind):
        return pairs([[arrow_value(kind.key_type, k), arrow_value(kind.item_type, v)] for k, v in value])
    if t.is_list(kind) or t.is_large_list(kind):
        return [arrow_value(kind.value_type, v) for v in value]
    return leaf(value)


def spark_value(kind, value):
    """A value of a Spark row."""
    name = kind.typeName()
    if value is None:
        return None
    if name == "struct":
        return {"$s": {f.name: spark_value(f.dataType, value[i]) for i, f in enumerate(kind.fields)}}
    if name == "map":
        return pairs([[spark_value(kind.keyType, k), spark_value(kind.valueType, v)] for k, v in value.items()])
    if name == "array":
        return [spark_value(kind.elementType, v) for v in value]
    return leaf(value)
