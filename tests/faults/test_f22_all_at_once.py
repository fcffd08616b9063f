"""F22, not a planned fault: all processes die at one instant, and replies of Redis are cut."""

import random
import time

import pytest

from tests.support.fault_station import FaultStation, ProxiedStation
from tests.support.feeding import Feeder
from tests.support.tcp_proxy import TcpProxy
from tests.support.workload import Workload

POWER_CUTS = 3
CUTS = 30


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_servers_and_workers_killed_at_one_instant_come_back_in_any_order(
    broken: FaultStation,
) -> None:
    chance = random.Random(22)
    broken.keep("sequencer", "sequencer", "recommender")
    feeder = Feeder(broken.addresses.kafka)
    feeder.start(Workload(22).take(8_000), per_s=150)
    for _ in range(POWER_CUTS):
        time.sleep(chance.uniform(5.0, 9.0))
        for worker in [*broken.running("sequencer"), *broken.running("recommender")]:
            worker.process.kill()
        broken.servers.kill("redis")
        broken.servers.kill("kafka")
        broken.journal.note("power cut")
        order = ["kafka", "redis", "workers"]
        chance.shuffle(order)
        for each in order:
            broken.keep_running() if each == "workers" else broken.servers.start(each)
        broken.journal.note("power is back", order=order)
    broken.verdict(feeder)


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_replies_of_redis_that_are_cut_leave_no_list_behind(
    proxied: ProxiedStation, redis_proxy: TcpProxy
) -> None:
    proxied.keep("sequencer", "recommender")
    feeder = Feeder(proxied.addresses.kafka)
    feeder.start(Workload(222).take(6_000), per_s=300)
    time.sleep(4.0)
    while redis_proxy.cuts < CUTS:
        redis_proxy.set("cut_reply")
        time.sleep(0.3)
    redis_proxy.set("heal")
    proxied.journal.note("cut", replies=redis_proxy.cuts)
    proxied.verdict(feeder)
    assert proxied.crashes("recommender") == 0
