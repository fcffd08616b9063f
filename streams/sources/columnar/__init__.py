"""Plays in columns, millions of rows at a time, for `echotune evaluate`.

`table_blocks` reads tables by blocks (`table_units` and `cells` interpret them), `play_reader`
makes `play_columns` of any history; `track_codes` and `play_rewards` are what evaluation asks of
them.
"""
