"""Heartbeats: how far each fold has come, in the compacted topic `learning-progress`.

`progress_writer` writes them, `progress_reader` follows them, `fold_position` merges them (pure).
They are advisory: sequencers use them to notice lost rows, and operators to see lag.
"""
