"""Collects what the live view of a running EchoTune shows; called about twice a second."""

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
"""`MANY_LISTS` lists or more are counted at this interval, because counting scans all keys."""
SPOTLIGHT_IDLE_S = 10.0
"""After this long without a play, another listener is shown."""


@dataclass(frozen=True)
class LiveView:
    """State of the system at one moment; None means not known (yet)."""

    status: dict[str, Any]
    events_per_s: float | None = None
    spotlight: str | None = None
    """The listener whose list is shown."""
    playing: str | None = None
    """Name of the track that this listener plays."""
    stored: StoredList | None = None
    names: dict[str, str] = field(default_factory=dict)

    def quality(self, model: str) -> float | None:
        """Hit rate at 20 of "quality" (the model) or "baseline" (popularity) so far."""
        found = self.status["recommender"].get(model) or {}
        return found.get("hr@20") if found.get("scored") else None


class Observer:
    """Observes a running system; `reader` must be open."""

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

    async def current_view(self) -> LiveView:
        """Reads status, list and names once."""
        counted = self._recent_count()
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
        return LiveView(
            status, self._rate(status["applied"]), self._spotlight, playing, stored, names
        )

    def _recent_count(self) -> int | None:
        """The last count of lists; None if they have to be counted again."""
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
        (began, before), (ended, after) = self._applied[0], self._applied[-1]
        return (after - before) / (ended - began) if ended > began else None
