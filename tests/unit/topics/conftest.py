"""Test data of the contracts."""

from collections.abc import Callable
from typing import Any

import pytest

from topics.listening_event import EventFields, ListeningEvent

AnEvent = Callable[..., EventFields]


def _an_event(**changes: Any) -> EventFields:
    fields: EventFields = {
        "event_id": "00000000-0000-0000-0000-00000000000a",
        "listener_id": "björk-fan",
        "kind": "LISTEN",
        "source": "navidrome",
        "track_id": "t1",
        "listened_at": 1_700_000_000_000,
    }
    return dict.fromkeys(ListeningEvent.model_fields) | fields | changes


@pytest.fixture(scope="session")
def an_event() -> AnEvent:
    """Makes the record of a valid event, with `changes`."""
    return _an_event
