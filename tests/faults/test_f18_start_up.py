"""F18: workers start before their servers do: they wait, alive, and then are ready."""

import time

import pytest

from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.station import wait_until
from tests.support.workload import Workload

WAITED_S = 12.0
WAITING, INTERRUPTED = "Waiting ...", 130


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("missing", [["kafka"], ["redis"], ["kafka", "redis"]], ids="+".join)
def test_workers_wait_for_the_servers_that_are_missing(
    broken: FaultStation, missing: list[str]
) -> None:
    for server in missing:
        broken.servers.kill(server)
    workers = [broken.start(kind) for kind in ("sequencer", "recommender")]
    time.sleep(WAITED_S)
    assert [each.process.poll() for each in workers] == [None, None], workers[-1].text()[-2_000:]
    for server in missing:
        broken.servers.start(server)
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(Workload(18).take(1_000))
    broken.verdict(feeder)
    assert [each.process.poll() for each in workers] == [None, None]


@pytest.mark.fault
def test_a_worker_that_waits_can_be_stopped(broken: FaultStation) -> None:
    broken.servers.kill("kafka")
    workers = [broken.start(kind) for kind in ("sequencer", "recommender")]
    wait_until(lambda: [WAITING in each.text() for each in workers], all)
    assert [each.stop() for each in workers] == [INTERRUPTED] * 2, workers[-1].text()[-2_000:]
