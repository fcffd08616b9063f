"""Throughput from Kafka to lists in Redis at full load, beside a plain Faust agent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import orjson
from redis import Redis

from streams.monitoring.worker_status import recommender_key
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import start_load
from tests.benchmarks.plain_faust import COUNTER_KEY
from tests.benchmarks.workload import encoded, events
from tests.support.station import Station, wait_until

EVENTS = 400_000
LOAD_PER_S = 40_000.0
"""More events than can be learnt in time, so that the load generator always runs."""
PEER_S = 20.0
_LOOK_EVERY_S = 0.05


def end_to_end(kafka_libs: Path, folder: Path, data: Path | None) -> list[Figure]:
    """Rates of EchoTune and of the peer with and without ranking, each on servers of its own."""
    some = encoded(events(data, EVENTS))
    rate = _echotune(Station(folder / "echotune", kafka_libs, is_hasty=False), some, folder)
    ranking = _plain(Station(folder / "rank", kafka_libs, is_hasty=False), some, folder, "rank")
    learning = _plain(Station(folder / "learn", kafka_libs, is_hasty=False), some, folder, "learn")
    peer = "plain Faust agent, River learns and ranks 100"
    return [
        Figure("end to end, loaded", rate, "events/s", peer, ranking, "≥ 15,000/s and ≥ 20 ×"),
        Figure("end to end, loaded", rate, "events/s", "the same without ranking", learning),
    ]


def _echotune(station: Station, some: list, folder: Path) -> float:  # type: ignore[type-arg]
    station.up()
    try:
        station.start("sequencer")
        station.start("recommender")
        with Redis.from_url(station.addresses.redis) as redis:
            key = recommender_key(station.settings.recommender_id)
            wait_until(lambda: redis.get(key), lambda found: found is not None)
            load = start_load(station.addresses.kafka, some, folder, per_second=LOAD_PER_S)
            samples = _samples(lambda: orjson.loads(redis.get(key) or b"{}"), len(some))
            load.wait()
        return _rate(samples)
    finally:
        station.close()


def _samples(status: object, wanted: int) -> list[tuple[float, int]]:
    """(time, events in the model) at each change, until all `wanted` are in."""
    found: list[tuple[float, int]] = [(time.perf_counter(), 0)]
    while found[-1][1] < wanted:
        applied = status().get("applied", 0)  # type: ignore[operator]
        if applied != found[-1][1]:
            found.append((time.perf_counter(), applied))
        time.sleep(_LOOK_EVERY_S)
    return found


def _rate(samples: list[tuple[float, int]]) -> float:
    """Events per second between the first and the last tenth, when all processes run."""
    total = samples[-1][1]
    middle = [each for each in samples if 0.1 * total <= each[1] <= 0.9 * total]
    (began, first), (ended, last) = middle[0], middle[-1]
    return (last - first) / (ended - began)


def _plain(station: Station, some: list, folder: Path, mode: str) -> float:  # type: ignore[type-arg]
    station.up()
    try:
        addresses = station.addresses
        peer = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.benchmarks.plain_faust"),
                *(addresses.kafka, addresses.redis, mode),
            ],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.DEVNULL,
            stderr=(folder / f"plain-{mode}.log").open("wb"),
        )
        load = start_load(addresses.kafka, some, folder, per_second=LOAD_PER_S)
        with Redis.from_url(addresses.redis) as redis:
            wait_until(lambda: redis.get(COUNTER_KEY), lambda found: found is not None)
            first, began = (float(each) for each in (redis.get(COUNTER_KEY) or b"").split())
            time.sleep(PEER_S)
            last, ended = (float(each) for each in (redis.get(COUNTER_KEY) or b"").split())
        load.kill()
        peer.kill()
        load.wait()
        peer.wait()
        return (last - first) / (ended - began)
    finally:
        station.close()
