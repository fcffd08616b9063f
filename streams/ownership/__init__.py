"""Who may publish for an identity `i of M`: from the assignment of the log until it is lost.

`ownership` loads the state and watches the log until the gate opens. `takeover` claims both stores
with a fencing token and fences former owners; `former_shards` finds recommenders of another M, and
`gate_opening` derives the gate from both frontiers and the log.
"""
