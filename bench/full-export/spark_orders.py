"""The benchmark's orders as Spark is told of them: the type of an image, and the columns that it becomes."""

TEXT = ["pk", "sk", "status", "region", "created_at", "updated_at", "note", "trace"]
IMAGE = "STRUCT<" + ", ".join(
    [f"{name}: STRUCT<S: STRING>" for name in TEXT]
    + [
        "order_id: STRUCT<N: STRING>",
        "weight_g: STRUCT<N: STRING>",
        "total: STRUCT<N: STRING>",
        "paid: STRUCT<BOOL: BOOLEAN>",
        "tags: STRUCT<SS: ARRAY<STRING>>",
        "address: STRUCT<M: STRUCT<street: STRUCT<S: STRING>, city: STRUCT<S: STRING>, zip: STRUCT<S: STRING>, "
        "geo: STRUCT<M: STRUCT<lat: STRUCT<N: STRING>, lon: STRUCT<N: STRING>>>>>",
        "lines: STRUCT<L: ARRAY<STRUCT<M: STRUCT<sku: STRUCT<S: STRING>, qty: STRUCT<N: STRING>, "
        "price: STRUCT<N: STRING>>>>>",
    ]
) + ">"


def columns(item, but=()):
    return ",\n  ".join(
        [f"{item}.{name}.S AS {name}" for name in TEXT if name not in but]
        + [
            f"CAST({item}.order_id.N AS BIGINT) AS order_id",
            f"CAST({item}.weight_g.N AS BIGINT) AS weight_g",
            f"CAST({item}.total.N AS DECIMAL(18, 4)) AS total",
            f"{item}.paid.BOOL AS paid",
            f"{item}.tags.SS AS tags",
            f"CASE WHEN {item}.address.M IS NOT NULL THEN struct("
            f"{item}.address.M.street.S AS street, {item}.address.M.city.S AS city, {item}.address.M.zip.S AS zip, "
            f"struct(CAST({item}.address.M.geo.M.lat.N AS DECIMAL(18, 4)) AS lat, "
            f"CAST({item}.address.M.geo.M.lon.N AS DECIMAL(18, 4)) AS lon) AS geo) END AS address",
            f"transform({item}.lines.L, line -> struct(line.M.sku.S AS sku, CAST(line.M.qty.N AS BIGINT) AS qty, "
            f"CAST(line.M.price.N AS DECIMAL(18, 4)) AS price)) AS lines",
        ]
    )
