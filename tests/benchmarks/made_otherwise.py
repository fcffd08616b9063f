"""How soon a generation that only makes lists otherwise has caught up, at a million events.

It begins with a snapshot of the generation that serves. The peer is that generation itself, which
is stopped and started again and begins with its own snapshot.
"""

import time
from pathlib import Path

from redis import Redis

from streams.kafka.log_reader import LogReader
from streams.lists.redis_lists import list_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.large_state import PROBE, STATE_EVENTS, LargeState
from tests.support.station import wait_until

TIMES = 3
STREAM_S = 3_600.0
STEADY_S = 45.0
"""Longer than the interval of snapshots."""


def made_otherwise(kafka_libs: Path, folder: Path) -> list[Figure]:
    """Seconds from the start of its recommender to a fresh list of it; the worst of several."""
    state = LargeState(folder / "otherwise", kafka_libs)
    took_s, again_s = list[float](), list[float]()
    try:
        with state.going_on(STREAM_S):
            for at in range(TIMES):
                time.sleep(STEADY_S)
                took_s.append(_beside(state, f"shorter-{at}"))
                again_s.append(_again(state))
    finally:
        state.close()
    return [
        Figure(
            f"only lists made otherwise, fresh at {STATE_EVENTS:,} events",
            max(took_s),
            "s",
            "the serving one, started again",
            max(again_s),
            "< 10 s",
        )
    ]


def _beside(state: LargeState, name: str) -> float:
    station, why = state.station, ("--why", "a benchmark")
    create = ("generations", "create", name, "--list-length", "10", "--start", "--force", *why)
    done = station.run(*create)
    assert done.returncode == 0, done.stderr
    began, end = time.perf_counter(), _log_end(state)
    worker = station.start("recommender", ECHOTUNE_GENERATION=name)
    _wait_fresh(state.redis, name, end)
    took_s = time.perf_counter() - began
    assert "snapshot adopted" in worker.text()
    print(f"  {name} fresh after {took_s:.2f} s", flush=True)
    worker.stop()
    assert station.run("generations", "stop", name, *why).returncode == 0
    return took_s


def _again(state: LargeState) -> float:
    state.worker.stop()
    began, end = time.perf_counter(), _log_end(state)
    state.start()
    _wait_fresh(state.redis, "first", end)
    took_s = time.perf_counter() - began
    print(f"  first fresh again after {took_s:.2f} s", flush=True)
    return took_s


def _log_end(state: LargeState) -> int:
    with LogReader(state.station.addresses.kafka) as reader:
        return reader.bounds().end


def _wait_fresh(redis: "Redis", generation: str, as_of: int) -> None:
    key = list_key(generation, PROBE)
    wait_until(lambda: int(redis.hget(key, "as_of") or -1), lambda found: found >= as_of)
