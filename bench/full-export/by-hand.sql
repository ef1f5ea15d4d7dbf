-- Contender (c): what a person who knows DuckDB and the data writes by hand. Nothing is verified:
-- no checksum, no count, no proof that an attribute was left out or a cast rounded.
-- The names of the files and of the target are filled in by the two programs that run it.
SET threads = 2;
SET preserve_insertion_order = false;
COPY (
  SELECT
    Item.pk.S AS pk,
    Item.sk.S AS sk,
    {
      'street': Item.address.M.street.S,
      'city': Item.address.M.city.S,
      'zip': Item.address.M.zip.S,
      'geo': {
        'lat': Item.address.M.geo.M.lat.N::DECIMAL(18, 4),
        'lon': Item.address.M.geo.M.lon.N::DECIMAL(18, 4)
      }
    } AS address,
    Item.created_at.S AS created_at,
    list_transform(Item.lines.L, lambda line: {
      'price': line.M.price.N::DECIMAL(18, 4),
      'qty': line.M.qty.N::BIGINT,
      'sku': line.M.sku.S
    }) AS lines,
    Item.note.S AS note,
    Item.order_id.N::BIGINT AS order_id,
    Item.paid.BOOL AS paid,
    Item.region.S AS region,
    Item.status.S AS status,
    Item.tags.SS AS tags,
    Item.total.N::DECIMAL(18, 4) AS total,
    Item.trace.S AS trace,
    Item.updated_at.S AS updated_at,
    Item.weight_g.N::BIGINT AS weight_g
  FROM read_json(
    {{files}},
    format = 'newline_delimited',
    -- Without these it looks for types in 20,480 lines of 32 files, although it is told them.
    sample_size = 1, maximum_sample_files = 1,
    columns = {
      Item: 'STRUCT(
        pk STRUCT(S VARCHAR), sk STRUCT(S VARCHAR),
        address STRUCT(M STRUCT(
          street STRUCT(S VARCHAR), city STRUCT(S VARCHAR), zip STRUCT(S VARCHAR),
          geo STRUCT(M STRUCT(lat STRUCT(N VARCHAR), lon STRUCT(N VARCHAR))))),
        created_at STRUCT(S VARCHAR),
        lines STRUCT(L STRUCT(M STRUCT(
          price STRUCT(N VARCHAR), qty STRUCT(N VARCHAR), sku STRUCT(S VARCHAR)))[]),
        note STRUCT(S VARCHAR), order_id STRUCT(N VARCHAR), paid STRUCT(BOOL BOOLEAN),
        region STRUCT(S VARCHAR), status STRUCT(S VARCHAR), tags STRUCT(SS VARCHAR[]),
        total STRUCT(N VARCHAR), trace STRUCT(S VARCHAR), updated_at STRUCT(S VARCHAR),
        weight_g STRUCT(N VARCHAR))'
    }
  )
) TO {{target}} (FORMAT parquet, COMPRESSION zstd);
