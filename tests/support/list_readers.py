"""Readers of lists, as a music service would run them: continuously, also during faults."""

import asyncio
import random
import threading
import time
from collections import Counter
from typing import Self

from streams.lists.list_store import StoredList
from streams.monitoring.list_reader import ListReader
from tests.support.station import Station
from topics.errors import ServerError

ANSWER_MAX_S = 8.0
"""Redis' own timeout is 5 s, and 2 s to connect: no read may take longer than both."""


class Readers:
    """Reads one list after the other in a thread. It is a context manager.

    A list that is older than an earlier one of the same listener is noted in `older`.
    """

    def __init__(self, station: Station, listener_ids: list[str], **redis: str) -> None:
        addresses = station.addresses
        self._addresses = addresses if not redis else type(addresses)(**vars(addresses) | redis)
        self._settings = station.settings
        self._listener_ids = listener_ids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read_all()), daemon=True)
        self._newest: dict[str, tuple[int, int]] = {}
        self.counts: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.older: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(2 * ANSWER_MAX_S)

    async def _read_all(self) -> None:
        chance = random.Random(7)
        async with ListReader(self._settings, self._addresses) as reader:
            while not self._ended.is_set():
                await self._read(reader, chance.choice(self._listener_ids))
                await asyncio.sleep(0.002)

    async def _read(self, reader: ListReader, listener_id: str) -> None:
        began = time.monotonic()
        try:
            found = await reader.read(listener_id)
        except ServerError:
            self.counts["said that redis is away"] += 1
        else:
            self._note(listener_id, found)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def _note(self, listener_id: str, found: StoredList | None) -> None:
        if found is None:
            self.counts["nothing"] += 1
            return
        self.counts["everyone's" if found.is_fallback else "own"] += 1
        name = "*everyone*" if found.is_fallback else listener_id
        place, before = (found.log_epoch, found.as_of), self._newest.get(name, (-1, -1))
        if place < before:
            self.older.append(f"{name}: {place} after {before}")
        self._newest[name] = max(place, before)
