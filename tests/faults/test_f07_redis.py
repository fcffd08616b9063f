"""F7: Redis is killed, emptied and stalled while lists are read and written."""

import time

import pytest

from tests.support.fault_station import ProxiedStation
from tests.support.feeding import Feeder
from tests.support.list_readers import ANSWER_MAX_S, Readers
from tests.support.lists_seen import in_redis, redis_of
from tests.support.station import wait_until
from tests.support.tcp_proxy import TcpProxy
from tests.support.workload import Workload

LISTENERS = 200
AWAY_S = 8.0
STALL_S = 20.0
STEADY_S = 3.0
"""Pause between two faults, in which lists can be read."""


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_readers_are_answered_and_lists_come_back_whatever_happens_to_redis(
    proxied: ProxiedStation, redis_proxy: TcpProxy
) -> None:
    proxied.keep("sequencer", "recommender")
    feeder = Feeder(proxied.addresses.kafka)
    feeder.start(Workload(7, LISTENERS).take(20_000), per_s=200)
    names = [f"listener-{at}" for at in range(LISTENERS)]
    wait_until(lambda: len(in_redis(proxied)), lambda lists: lists > LISTENERS // 2)
    with Readers(proxied, names, redis=f"redis://127.0.0.1:{redis_proxy.port}/0") as readers:
        before = set(in_redis(proxied))
        for _ in range(3):
            with redis_of(proxied) as redis:
                redis.flushall()
            proxied.journal.note("flushed")
            lists_are_back(proxied, before)
        proxied.servers.kill("redis")
        proxied.journal.note("killed", server="redis")
        time.sleep(AWAY_S)
        proxied.servers.start("redis")
        lists_are_back(proxied, before)
        proxied.servers.kill("redis")
        for path in (proxied.home / "redis").rglob("*.aof"):
            path.unlink()
        for path in (proxied.home / "redis").rglob("*.manifest"):
            path.unlink()
        proxied.servers.start("redis")
        proxied.journal.note("restarted empty", server="redis")
        lists_are_back(proxied, before)
        redis_proxy.set("stall")
        proxied.journal.note("stalled", server="redis")
        time.sleep(STALL_S)
        redis_proxy.set("heal")
        lists_are_back(proxied, before)
    proxied.journal.note("read", slowest_s=round(readers.slowest_s, 2), **readers.counts)
    assert readers.counts["own"] > 1_000
    assert readers.slowest_s < ANSWER_MAX_S
    assert readers.older == []
    proxied.verdict(feeder)
    assert proxied.crashes("recommender") == 0


def lists_are_back(station: ProxiedStation, names: set[str]) -> None:
    """Waits until every listener has a list."""
    began = time.monotonic()
    wait_until(lambda: set(in_redis(station)), lambda found: found >= names)
    station.journal.note("lists are back", after_s=round(time.monotonic() - began, 2))
    time.sleep(STEADY_S)
