"""Heartbeats: how far each fold has come, in the compacted topic `learning-progress`.

`heartbeat_writer` writes heartbeats, `heartbeat_reader` follows them, and `fold_position` merges
them (pure). They are advisory: sequencers detect lost rows with them, and operators see the lag.
"""
