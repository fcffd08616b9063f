"""One module per file format, and `format_detection`, which recognises formats.

`spotify_export`, `lastfm_export` and `listenbrainz_export` parse the exports of services, and share
`service_export`. `csv_table`, `json_table`, `json_stream` and `parquet_table` parse tables of any
origin, and `column_roles` infers what their columns mean. A row that cannot be read is a `BadRow`,
never an exception.
"""
