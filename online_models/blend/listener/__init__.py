"""The state of one listener: what they played, where they are in a session, what they marked.

* `session_contexts`: the session context (the last tracks, by event time) and where late events go;
* `play_rings`: the listening history, a ring buffer of the last plays;
* `explicit_feedback`: explicit feedback, the tracks that the listener loves or hates;
* `situations`: categories of the present situation, which choose the weights of the blend;
* `given_plays`: a queue that a query names, put before the plays that are remembered.

Each record is zero before the listener's first event, and erasure sets it to zero again. The
modules import `kernels` and each other, no expert and nothing of the ranking.
"""
