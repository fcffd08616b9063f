"""F12: scattered poison messages and a block of them; every valid event still counts."""

import pytest

from streams.dead_letters.dead_letter_reader import dead_letters
from tests.support.fault_station import FaultStation
from tests.support.feeding import Feeder
from tests.support.station import wait_until
from tests.support.workload import Rates, What, Workload

BLOCK = 200


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_dead_letters_are_exactly_the_poison_and_a_block_of_it_opens_the_breaker(
    broken: FaultStation,
) -> None:
    broken.keep("sequencer", "recommender")
    workload = Workload(12, rates=Rates(poison=0.02))
    feeder = Feeder(broken.addresses.kafka)
    feeder.feed(workload.take(5_000), per_s=1_000)
    feeder.feed(workload.poison(BLOCK))
    paused = wait_until(broken.status, lambda found: bool(_paused(found)))
    broken.journal.note("breaker open", partitions=_paused(paused))
    feeder.feed(workload.take(5_000))
    broken.verdict(feeder)

    poison = {
        at: delivery for at, delivery in feeder.acknowledged.items() if delivery.what is What.POISON
    }
    letters = {each.origin: each.value for each in dead_letters(broken.addresses.kafka)}
    assert letters == {
        f"listening-events/{partition}/{offset}": delivery.value
        for (partition, offset), delivery in poison.items()
    }
    assert len(letters) > BLOCK


def _paused(status: dict[str, list[dict[str, dict[str, dict[str, float]]]]]) -> list[str]:
    return [
        partition
        for each in status["sequencers"]
        for partition, found in each["partitions"].items()
        if found["pause_s"]
    ]
