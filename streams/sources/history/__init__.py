"""Plays in the order of their time, and an event for each, once.

`history` reads all parts of a history, `play_sorter` sorts them in bounded memory, `event_assembly`
makes listening events with ids that are the same at the next import.
"""
