"""Events for tests: single ones, or a stream with patterns that a model can learn."""

import random
import time
from collections.abc import Iterator
from typing import Any

from topics.identity import event_id_of
from topics.listening_event import EventKind, ListeningEvent

START_MS = 1_700_000_000_000


def an_event(**changes: Any) -> ListeningEvent:
    """A LISTEN; `changes` replaces fields of it."""
    fields: dict[str, Any] = {
        "listener_id": "ann",
        "kind": EventKind.LISTEN,
        "source": "test",
        "track_id": "so what",
        "listened_at": START_MS,
    } | changes
    content = (fields["listener_id"], fields["track_id"] or "", fields["listened_at"])
    return ListeningEvent(**{"event_id": event_id_of(fields["source"], *content, None)} | fields)


def a_stream(events: int, *, listeners: int = 50, tracks: int = 300) -> Iterator[ListeningEvent]:
    """Plays in order of time: all listeners follow albums, and return to albums of their own."""
    chance = random.Random(7)
    last = dict.fromkeys(range(listeners), 0)
    for at in range(events):
        who = chance.randrange(listeners)
        jumps = chance.random() < 0.3
        last[who] = chance.randrange(tracks) if jumps else (last[who] + 1) % tracks
        yield an_event(
            listener_id=f"listener-{who}",
            track_id=f"track-{last[who]}",
            listened_at=START_MS + at * 1_000,
        )


def now_ms() -> int:
    """This machine's time, ms since the epoch."""
    return time.time_ns() // 1_000_000
