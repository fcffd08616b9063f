"""One file a format, and `format_detection`, which recognises them.

`spotify_export`, `lastfm_export` and `listenbrainz_export` are services' own (`service_export` is
what they share); `csv_table`, `json_table`, `json_stream` and `parquet_table` are anybody's, and
`column_roles` guesses what their columns mean. A row that cannot be read is a `BadRow`, never an
error.
"""
