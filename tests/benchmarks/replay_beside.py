"""A replay beside a live recommender: how fresh live lists stay, and how fast the replay is."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from redis import Redis

from streams.monitoring.worker_status import recommender_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import send, start_load
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station, wait_until

HISTORY = 300_000
HISTORY_PER_S = 4_000.0
"""Slow enough that the log has more than 1,000 records, so that the throttle has its say."""
LOAD_PER_S = 300.0
WARM_S, SECONDS = 15.0, 30.0
LOAD_S = 600.0
_LOOK_EVERY_S = 0.5


def replay_beside(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """Live p99 freshness with a replay beside it and without, and the speed of that replay."""
    some = events(data, HISTORY + int(LOAD_PER_S * LOAD_S))
    station = Station(folder / "beside", kafka_libs, is_hasty=False)
    try:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        send(station.addresses.kafka, encoded(some[:HISTORY]), HISTORY_PER_S)
        station.wait_applied(HISTORY)
        folder.mkdir(exist_ok=True)
        load = start_load(
            station.addresses.kafka, encoded(some[HISTORY:]), folder, per_second=LOAD_PER_S
        )
        with Redis.from_url(station.addresses.redis) as redis:
            time.sleep(WARM_S)
            began = time.monotonic()
            without = _p99s(redis, lambda: time.monotonic() - began > SECONDS)
            # From record 1 on: otherwise it would begin with a snapshot of the first generation.
            trial = ("--generation", "trial", "--like", "first", "--from", "1")
            replay = station.begin("replay", *trial, "--json")
            wait_until(lambda: _role(station), lambda found: found == "quiet")
            station.start("recommender", ECHOTUNE_GENERATION="trial")
            wait_until(lambda: _status(redis, "trial").get("as_of", -1), lambda it: it >= 0)
            began = time.monotonic()
            beside = _p99s(redis, lambda: replay.poll() is not None)
            seconds = time.monotonic() - began
        said, _ = replay.communicate()
        assert replay.returncode == 0
        learnt = json.loads(said)["events"]
        load.kill()
        load.wait()
    finally:
        station.close()
    return [
        Figure("live p99 during a replay", beside, "ms", "without it", without, "≤ 2 ×"),
        Figure("replay beside a live recommender", learnt / seconds, "events/s"),
    ]


def _role(station: Station) -> str | None:
    found: Any = json.loads(station.run("generations", "list", "--json").stdout or "[]")
    return next((each["role"] for each in found if each["name"] == "trial"), None)


def _status(redis: "Redis", generation: str) -> dict[str, Any]:
    found: Any = redis.get(recommender_key(f"echotune-recommender-{generation}-0of1"))
    return dict(json.loads(found)) if found else {}


def _p99s(redis: "Redis", is_over: Callable[[], bool]) -> float:
    """The median of the live p99 of the newest 4,096 events, in ms, while it lasts."""
    found: list[float] = []
    while not is_over():
        if (p99 := _status(redis, "first").get("freshness_ms", {}).get("p99")) is not None:
            found.append(float(p99))
        time.sleep(_LOOK_EVERY_S)
    return float(np.median(found))
