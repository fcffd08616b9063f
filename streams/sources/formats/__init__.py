"""One module per file format, and `format_detection`, which recognises formats.

`spotify_export`, `spotify_api`, `lastfm_export`, `listenbrainz_export`, `maloja_export`,
`koito_export` and `youtube_activity` parse the exports of services, and share `service_export`.
`scrobbler_log` is the file of portable players, and `event_export` our own. `text_encoding`
recognises how a text is encoded; `inner_array` and `keyed_rows` find plays within JSON objects.
`csv_table`, `json_table`, `json_stream` and `parquet_table` parse tables of any origin;
`table_rows` makes plays of their rows, and `column_roles` infers what their columns mean.
`cell_values`, `times`, `written_times` and `row_kinds` read single cells. A row that cannot be read
is a `BadRow`, never an exception.
"""
