"""F15: ten times the load for a minute and a slow Redis: only the lag grows (backpressure)."""

import threading
import time

import pytest

from tests.support.consumption import MIB, sample_of
from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.lists_seen import redis_of
from tests.support.verdict import settle
from tests.support.workload import Rates, Workload

CALM_PER_S, CALM_S = 500, 20
BURST_PER_S, BURST_S = 5_000, 60
BUFFERS_MAX_MIB = 64
"""Bound of each worker's growth during the burst: a few decoded chunks of at most 4 MiB."""


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_burst_and_a_slow_redis_are_backpressure(broken: FaultStation) -> None:
    broken.keep("sequencer", "recommender")
    workload = Workload(15, listeners=2_000, rates=Rates(poison=0.0))
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(CALM_PER_S * CALM_S), per_s=CALM_PER_S)
    feeder.finish()
    settle(broken, feeder.to_be_applied)
    workers = broken.running("sequencer") + broken.running("recommender")
    before = [sample_of(each, 0.0) for each in workers]
    epochs = [each["epoch"] for each in broken.status()["sequencers"]]
    slow = threading.Event()
    threading.Thread(target=slow_down, args=(broken, slow), daemon=True).start()
    feeder.feed(workload.take(BURST_PER_S * BURST_S), per_s=BURST_PER_S)
    after = [sample_of(each, 1.0) for each in workers]
    lag = broken.status()["lag"]
    slow.set()
    feeder.finish()
    began = time.monotonic()
    settle(broken, feeder.to_be_applied)
    caught_up_s = round(time.monotonic() - began, 1)
    copies = 2 * newest_snapshot_mib(broken)  # the state, and the copy for its snapshot
    grown = [round(b.rss_mib - a.rss_mib) for a, b in zip(before, after, strict=True)]
    figures = {"grown_mib": grown, "copies_mib": round(copies), "caught_up_after_s": caught_up_s}
    broken.journal.note("burst over", lag=lag, **figures)
    assert grown[0] < BUFFERS_MAX_MIB
    assert grown[1] < BUFFERS_MAX_MIB + copies
    assert [each["epoch"] for each in broken.status()["sequencers"]] == epochs
    broken.verdict(feeder)


def newest_snapshot_mib(station: FaultStation) -> float:
    """Size of the newest snapshot, which is that of the state."""
    folder = station.home / "snapshots" / station.settings.recommender_id
    return max(path.stat().st_size for path in folder.glob("*.snapshot")) / MIB


def slow_down(station: FaultStation, ended: threading.Event) -> None:
    """Makes Redis delay writes for 300 ms of every half second."""
    with redis_of(station) as redis:
        while not ended.wait(0.5):
            redis.execute_command("CLIENT", "PAUSE", "300", "WRITE")
