"""Ownership of an identity `i of M`: takeover with a fencing token decides which process publishes.

`ownership` loads the state and compares the log until the gate opens. `takeover` (failover) claims
both stores with a fencing token and fences former owners. `resharding` finds and fences
recommenders of another M. `gate_opening` derives the gate from both frontiers and the log.
"""
