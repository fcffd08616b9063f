"""What somebody who watches a running EchoTune wants to see, gathered twice a second."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from streams.addresses import Addresses
from streams.lists.list_store import StoredList
from streams.monitoring.list_reader import ListReader
from streams.monitoring.status import system_status
from streams.settings import Settings
from topics.errors import ServerError

RATE_WINDOW_S = 5.0
MANY_LISTS = 20_000
COUNT_MANY_EVERY_S = 10.0
"""So many lists are not counted anew with every look."""
SPOTLIGHT_IDLE_S = 10.0
"""A listener who has not played for so long makes room for one who does."""


@dataclass(frozen=True)
class Glance:
    """How everything is at one moment; None is not known (yet)."""

    status: dict[str, Any]
    events_per_s: float | None = None
    spotlight: str | None = None
    """A listener whose list is shown."""
    playing: str | None = None
    """What they play, by name."""
    stored: StoredList | None = None
    names: dict[str, str] = field(default_factory=dict)

    def quality(self, model: str) -> float | None:
        """Hit rate at 20 of "quality" (the model) or "baseline" (popularity) so far."""
        found = self.status["recommender"].get(model) or {}
        return found.get("hr@20") if found.get("scored") else None


class Observer:
    """Looks at a running system; use `reader` open."""

    def __init__(self, settings: Settings, addresses: Addresses, reader: ListReader) -> None:
        self._settings = settings
        self._addresses = addresses
        self._reader = reader
        self._applied: deque[tuple[float, int]] = deque()
        self._spotlight: str | None = None
        self._spotlight_seen_at = 0.0
        self._playing: str | None = None
        self._lists: int | None = None
        self._counted_at = 0.0

    async def glance(self) -> Glance:
        """Asks everything once."""
        counted = self._counted()
        status = await system_status(self._settings, self._addresses, lists=counted)
        if counted is None:
            self._lists, self._counted_at = status["lists"], time.monotonic()
        self._follow(status["recommender"].get("latest") or {})
        try:
            stored = await self._reader.read(self._spotlight) if self._spotlight else None
            names = await self._reader.names(stored)
            playing = await self._reader.name(self._playing) if self._playing else None
        except ServerError:
            stored, names, playing = None, {}, None
        return Glance(
            status, self._rate(status["applied"]), self._spotlight, playing, stored, names
        )

    def _counted(self) -> int | None:
        """How many lists there were, unless it is time to count them again."""
        is_due = time.monotonic() - self._counted_at > COUNT_MANY_EVERY_S
        return None if is_due or (self._lists or 0) < MANY_LISTS else self._lists

    def _follow(self, latest: dict[str, str]) -> None:
        listener = latest.get("listener_id")
        now = time.monotonic()
        if listener and (
            self._spotlight is None or now - self._spotlight_seen_at > SPOTLIGHT_IDLE_S
        ):
            self._spotlight = listener
        if listener and listener == self._spotlight:
            self._spotlight_seen_at, self._playing = now, latest["track_id"]

    def _rate(self, applied: int | None) -> float | None:
        if applied is None:
            return None
        now = time.monotonic()
        self._applied.append((now, applied))
        while self._applied[0][0] < now - RATE_WINDOW_S:
            self._applied.popleft()
        (began, was), (ended, is_now) = self._applied[0], self._applied[-1]
        return (is_now - was) / (ended - began) if ended > began else None
