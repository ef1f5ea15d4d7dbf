"""The window as an Arrow table, typed as the tables are: read by DuckDB, which is the fastest way from Python."""
import duckdb

TEXT = ["status", "region", "created_at", "updated_at", "note", "trace"]
IMAGE = (
    "STRUCT(pk STRUCT(S VARCHAR), sk STRUCT(S VARCHAR), "
    + ", ".join(f"{name} STRUCT(S VARCHAR)" for name in TEXT)
    + ", order_id STRUCT(N VARCHAR), weight_g STRUCT(N VARCHAR), total STRUCT(N VARCHAR), paid STRUCT(BOOL BOOLEAN), "
    "tags STRUCT(SS VARCHAR[]), address STRUCT(M STRUCT(street STRUCT(S VARCHAR), city STRUCT(S VARCHAR), "
    "zip STRUCT(S VARCHAR), geo STRUCT(M STRUCT(lat STRUCT(N VARCHAR), lon STRUCT(N VARCHAR))))), "
    "lines STRUCT(L STRUCT(M STRUCT(price STRUCT(N VARCHAR), qty STRUCT(N VARCHAR), sku STRUCT(S VARCHAR)))[]))"
)


def columns(item):
    return (
        f"{{'street': {item}.address.M.street.S, 'city': {item}.address.M.city.S, 'zip': {item}.address.M.zip.S, "
        f"'geo': {{'lat': {item}.address.M.geo.M.lat.N::DECIMAL(18, 4), "
        f"'lon': {item}.address.M.geo.M.lon.N::DECIMAL(18, 4)}}}} AS address, {item}.created_at.S AS created_at, "
        f"list_transform({item}.lines.L, lambda line: {{'price': line.M.price.N::DECIMAL(18, 4), "
        f"'qty': line.M.qty.N::BIGINT, 'sku': line.M.sku.S}}) AS lines, {item}.note.S AS note, "
        f"{item}.order_id.N::BIGINT AS order_id, {item}.paid.BOOL AS paid, {item}.region.S AS region, "
        f"{item}.status.S AS status, {item}.tags.SS AS tags, {item}.total.N::DECIMAL(18, 4) AS total, "
        f"{item}.trace.S AS trace, {item}.updated_at.S AS updated_at, {item}.weight_g.N::BIGINT AS weight_g"
    )


def connect():
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    return connection


def export_table(folder):
    """The full export, for tables that are prepared outside the clock."""
    return connect().execute(
        f"SELECT Item.pk.S AS pk, Item.sk.S AS sk, {columns('Item')} "
        f"FROM read_json(?, format = 'newline_delimited', columns = {{Item: '{IMAGE}'}})",
        [f"{folder}/data/*.json.gz"],
    ).to_arrow_table()


def window_table(files):
    """One row a change; `gone` tells deletes, and `changed_id` names the order in both images."""
    return connect().execute(
        f"SELECT Keys.pk.S AS pk, Keys.sk.S AS sk, {columns('NewImage')}, NewImage IS NULL AS gone, "
        "coalesce(NewImage.order_id.N, OldImage.order_id.N)::BIGINT AS changed_id "
        "FROM read_json(?, format = 'newline_delimited', columns = {Keys: "
        f"'STRUCT(pk STRUCT(S VARCHAR), sk STRUCT(S VARCHAR))', NewImage: '{IMAGE}', "
        "OldImage: 'STRUCT(order_id STRUCT(N VARCHAR))'})",
        [files],
    ).to_arrow_table()
