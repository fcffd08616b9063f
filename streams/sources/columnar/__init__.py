"""Plays in columns, millions of rows at a time, for `echotune evaluate`.

`table_blocks` reads tables by blocks, and `table_units` and `cells` interpret their values.
`play_reader` makes `play_columns` of any history; `track_codes` and `play_rewards` compute the
tracks and rewards that evaluation needs. `history_columns` reads the exports of services.
"""
