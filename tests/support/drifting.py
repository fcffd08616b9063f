"""Listening events with a concept drift: all listeners change their habits."""

from tests.support.learning_log import an_event
from topics.listening_event import EventFields

ALBUMS, LENGTH, LISTENERS = 12, 10, 6


def a_break_of_taste(before: int, after: int) -> list[EventFields]:
    """Plays of albums in order; then every listener plays only tracks that are never repeated."""
    events = []
    for at in range(before + after):
        listener, step = at % LISTENERS, at // LISTENERS
        album = (listener + step // LENGTH) % ALBUMS
        track = f"track-{album}-{step % LENGTH}" if at < before else f"new-{at}"
        events.append(an_event(f"listener-{listener}", track, minute=4 * step))
    return events
