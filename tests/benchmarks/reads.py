"""Reading one list from Redis, a thousand times a second, while lists are written."""

import os
import random
import time
from pathlib import Path

import numpy as np
import orjson
from redis import Redis
from redis.exceptions import RedisError

from streams.lists.redis_lists import list_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.large_state import LISTENERS, LargeState

READS_PER_S = 1_000
SECONDS = 60.0
_FIELDS = {b"items", b"as_of", b"log_epoch", b"event_time", b"published_at"}


def reads(kafka_libs: Path, folder: Path) -> list[Figure]:
    """p99 of a read in ms beside that of a PING; reads that failed, and torn lists.

    Measured with all processes at equal priority, so that a read waits for a processor, and with
    Redis and its reader at a higher priority, as if each had a processor of its own.
    """
    state = LargeState(folder / "reads", kafka_libs)
    try:
        with state.going_on(SECONDS * 4):
            equal = _figures(state.redis, "all processes equal", "")
            _go_ahead(int(state.redis.info("server")["process_id"]), 0)
            ahead = _figures(state.redis, "Redis and its reader ahead", "< 1 ms")
    finally:
        state.close()
    return equal + ahead


def _go_ahead(*pids: int) -> None:
    """Gives processes (0: this one) real-time priority (SCHED_RR); this requires root."""
    for pid in pids:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def _figures(redis: "Redis", how: str, goal: str) -> list[Figure]:
    ping = _read(redis, SECONDS / 4, is_ping=True)
    found = _read(redis, SECONDS)
    took_ms, wrong = np.array(found.took_s) * 1000, found.failed + found.halves
    peer_ms = float(np.percentile(np.array(ping.took_s) * 1000, 99))
    p50, p99 = (float(np.percentile(took_ms, each)) for each in (50, 99))
    return [
        Figure(f"read of a list, p50, {how}", p50, "ms"),
        Figure(f"read of a list, p99, {how}", p99, "ms", "PING, p99", peer_ms, goal),
        Figure("reads a second", len(took_ms) / SECONDS, "/s", goal="1,000/s"),
        Figure("reads that failed or saw half a list", float(wrong), "", goal="0"),
    ]


class _Reads:
    def __init__(self) -> None:
        self.took_s: list[float] = []
        self.failed = self.halves = 0
        self._items: dict[tuple[str, bytes], bytes] = {}

    def note(self, listener_id: str, fields: dict[bytes, bytes]) -> None:
        """Notes a list. A complete one has all fields, and the same items as of the same record."""
        if fields.keys() != _FIELDS or not orjson.loads(fields[b"items"]):
            self.halves += 1
            return
        place = listener_id, fields[b"as_of"]
        if self._items.setdefault(place, fields[b"items"]) != fields[b"items"]:
            self.halves += 1


def _read(redis: "Redis", seconds: float, *, is_ping: bool = False) -> _Reads:
    chance, done = random.Random(3), _Reads()
    began = time.perf_counter()
    for at in range(int(seconds * READS_PER_S)):
        time.sleep(max(0.0, began + at / READS_PER_S - time.perf_counter()))
        listener_id = f"listener-{chance.randrange(LISTENERS)}"
        sent = time.perf_counter()
        try:
            fields = redis.ping() if is_ping else redis.hgetall(list_key("first", listener_id))
        except RedisError:
            done.failed += 1
            continue
        done.took_s.append(time.perf_counter() - sent)
        if not is_ping:
            done.note(listener_id, fields)
    return done
