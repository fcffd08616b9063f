"""Makes one event of each play, in order of time.

`history` reads all parts of a history, `play_sorter` sorts them in bounded memory (external sort),
and `event_assembly` makes listening events whose ids are the same at every import.
"""
