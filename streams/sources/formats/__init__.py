"""One module per file format, and `format_detection`, which recognises formats.

`spotify_export`, `lastfm_export`, `listenbrainz_export` and `youtube_activity` parse the exports of
services, and share `service_export`. `csv_table`, `json_table`, `json_stream` and `parquet_table`
parse tables of any origin; `table_rows` makes plays of their rows, and `column_roles` infers what
their columns mean. `cell_values`, `times`, `written_times` and `row_kinds` read single cells. A row
that cannot be read is a `BadRow`, never an exception.
"""
