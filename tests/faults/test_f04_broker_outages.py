"""F4: connections to the broker are refused, stalled, reset, one-way, or end within a reply."""

import time

import pytest

from tests.support.fault_station import ProxiedStation
from tests.support.feeding import Feeder
from tests.support.tcp_proxy import TcpProxy
from tests.support.verdict import settle
from tests.support.workload import Workload

OUTAGE_S = 15.0
"""Two and a half session timeouts (6 s): the group removes the workers, as it would after 30 s."""
CUTS = 20
CUT_EVERY_S = 0.5
PORTION, PER_S = 3_000, 200.0


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_workers_outlive_every_outage_of_the_broker_and_catch_up(
    proxied: ProxiedStation, kafka_proxy: TcpProxy
) -> None:
    proxied.keep("sequencer", "recommender")
    workload, feeder = Workload(4), Feeder(proxied.addresses.kafka)
    feeder.feed(workload.take(500))
    settle(proxied, feeder_applies(feeder))
    for mode in ("refuse", "stall", "reset", "drop_replies"):
        feeder.start(workload.take(PORTION), per_s=PER_S)
        proxied.journal.note("outage", mode=mode)
        kafka_proxy.set(mode)
        time.sleep(OUTAGE_S)
        kafka_proxy.set("heal")
        healed = time.monotonic()
        proxied.keep_running()
        settle(proxied, feeder_applies(feeder))
        caught_up_s = round(time.monotonic() - healed, 1)
        proxied.journal.note("caught up", mode=mode, after_s=caught_up_s)
    proxied.verdict(feeder)
    ends = proxied.crashes("sequencer"), proxied.crashes("recommender")
    assert max(ends) <= 4, f"more than one end an outage: {ends}"


def feeder_applies(feeder: Feeder) -> int:
    """Waits for the last acknowledgement."""
    feeder.finish()
    return feeder.to_be_applied


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_replies_that_are_cut_in_their_middle_lose_nothing(
    proxied: ProxiedStation, kafka_proxy: TcpProxy
) -> None:
    proxied.keep("sequencer", "recommender")
    feeder = Feeder(proxied.addresses.kafka)
    feeder.start(Workload(44).take(6_000), per_s=300)
    time.sleep(5.0)
    while kafka_proxy.cuts < CUTS:
        kafka_proxy.set("cut_reply")
        time.sleep(CUT_EVERY_S)
    kafka_proxy.set("heal")
    proxied.journal.note("cut", replies=kafka_proxy.cuts)
    proxied.verdict(feeder)
