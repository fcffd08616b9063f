"""Ownership of an identity `i of M`: which process may publish, and from which log position.

`ownership` loads the state and compares the log until the gate opens. `takeover` claims both stores
with a fencing token and fences former owners. `former_shards` finds and fences recommenders of
another M (resharding). `gate_opening` derives the gate from both frontiers and the log.
"""
